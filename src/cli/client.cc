#include "cli/client.h"

#include <mysql/mysql.h>

#include <utility>

namespace sirocco::cli {
namespace {

std::unexpected<Error> ClientError(MYSQL* connection) {
  return MakeMysqlError(mysql_errno(connection), mysql_error(connection));
}

}  // namespace

void Client::Closer::operator()(MYSQL* connection) const { mysql_close(connection); }

Result<Client> Client::Connect(const Account& account, unsigned timeout_seconds) {
  MYSQL* raw = mysql_init(nullptr);
  if (raw == nullptr) return MakeError(ErrorCode::kOutOfMemory, "cannot make a client connection");
  Client client(raw);
  const unsigned protocol = MYSQL_PROTOCOL_SOCKET;
  mysql_options(raw, MYSQL_OPT_CONNECT_TIMEOUT, &timeout_seconds);
  mysql_options(raw, MYSQL_OPT_PROTOCOL, &protocol);
  mysql_options(raw, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  if (mysql_real_connect(raw, nullptr, account.user.c_str(), account.password.c_str(), nullptr, 0, account.socket.c_str(),
                         CLIENT_MULTI_RESULTS) == nullptr) {
    return ClientError(raw);
  }
  return client;
}

Result<TextResult> Client::Query(const std::string& statement) {
  MYSQL* connection = connection_.get();
  if (mysql_real_query(connection, statement.data(), statement.size()) != 0) return ClientError(connection);
  TextResult result;
  std::unique_ptr<MYSQL_RES, void (*)(MYSQL_RES*)> rows(mysql_store_result(connection), mysql_free_result);
  if (rows == nullptr) {
    if (mysql_errno(connection) != 0) return ClientError(connection);
    return result;
  }
  const unsigned columns = mysql_num_fields(rows.get());
  const MYSQL_FIELD* fields = mysql_fetch_fields(rows.get());
  for (unsigned column = 0; column < columns; ++column) result.columns.emplace_back(fields[column].name);
  while (MYSQL_ROW row = mysql_fetch_row(rows.get())) {
    const unsigned long* sizes = mysql_fetch_lengths(rows.get());
    auto& values = result.rows.emplace_back(columns);
    for (unsigned column = 0; column < columns; ++column) {
      if (row[column] != nullptr) values[column].emplace(row[column], sizes[column]);
    }
  }
  return result;
}

Result<std::optional<std::string>> Client::QueryValue(const std::string& statement) {
  ASSIGN_OR_RETURN(TextResult result, Query(statement));
  if (result.rows.empty() || result.rows[0].empty()) return std::nullopt;
  return std::move(result.rows[0][0]);
}

std::string Client::ServerVersion() const { return mysql_get_server_info(connection_.get()); }

}  // namespace sirocco::cli
