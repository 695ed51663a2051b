// Smoke test of the prefix: Arrow and Parquet link and exceptions cross their border.
#include <arrow/buffer.h>
#include <arrow/config.h>
#include <arrow/io/memory.h>
#include <parquet/exception.h>
#include <parquet/file_reader.h>

#include <cstdio>

int main() {
  std::puts(arrow::GetBuildInfo().version_string.c_str());
  try {
    parquet::ParquetFileReader::Open(std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString("no parquet")));
  } catch (const parquet::ParquetException&) {
    return 0;
  }
  return 1;
}
