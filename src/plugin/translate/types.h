// Plan types of the server's Fields and Items.
#pragma once

#include "common/error.h"
#include "plan/type.h"

class Field;
class Item;
struct CHARSET_INFO;

namespace sirocco::plugin {

// The values stored in the field. TIMESTAMP fields give kTimestamp, ENUM and SET fields kEnum and
// kSet. Errors: kNotSupported for spatial types.
Result<plan::Type> TypeOfField(const Field* field);

// The type MySQL declares for the item's value. TIMESTAMP gives kDatetime: expressions see local
// time.
Result<plan::Type> TypeOfItem(const Item* item);

// Same, for the value in a string context: what val_str() returns.
plan::Type StringTypeOf(const Item* item);

plan::Type StringTypeIn(const CHARSET_INFO* charset, uint32_t max_length, bool nullable);

// Digits after the point to which the server computes the quotient of AVG (see mysqlsem/decimal.h).
int DivisionDigits(int scale1, int scale2, int increment);

// True if values of the two types have one representation, so that no cast is needed.
bool SameRepresentation(const plan::Type& a, const plan::Type& b);

}  // namespace sirocco::plugin
