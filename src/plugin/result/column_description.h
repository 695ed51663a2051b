// What the client is told about the columns of statements with window functions.
//
// The server computes windows in temporary tables and describes the select items by the columns of
// these: an INT item of 11 digits as BIGINT, CHAR as VARCHAR, and so on. An offloaded statement has
// no temporary tables, so its items would be described by themselves.
#pragma once

#include "common/error.h"

class Item;
class JOIN;
class THD;
template <class Element_type>
class mem_root_deque;

namespace sirocco::plugin {

// Replaces JOIN::fields of a statement with window functions by columns of a table that the server
// would make for it, and returns the former list; null for other statements, which are left alone.
// Call after the statement was translated and before it is executed. Memory: the statement's.
Result<const mem_root_deque<Item*>*> DescribeWindowColumns(THD* thd, JOIN* join);

}  // namespace sirocco::plugin
