// The session's time zone as offsets from UTC.
#include "plugin/translate/translator.h"

namespace sirocco::plugin {

namespace {

// Seconds local time is ahead of UTC at the moment.
int32_t OffsetAt(const Time_zone& zone, int64_t utc_seconds) {
  MYSQL_TIME local;
  zone.gmt_sec_to_TIME(&local, static_cast<my_time_t>(utc_seconds));
  const int64_t days = calc_daynr(local.year, local.month, local.day) - calc_daynr(1970, 1, 1);
  const int64_t seconds = days * 86400 + local.hour * 3600 + local.minute * 60 + local.second;
  return static_cast<int32_t>(seconds - utc_seconds);
}

constexpr int64_t kEnd = 4294944000;  // the end of 2105
constexpr int64_t kStep = 7 * 86400;  // shorter than any period between two changes of a zone

}  // namespace

std::vector<plan::TimeZoneRule> TimeZoneRules(const Time_zone& zone) {
  std::vector<plan::TimeZoneRule> rules;
  int32_t offset = OffsetAt(zone, 0);
  rules.push_back({.utc_seconds = 0, .offset_seconds = offset});
  if (zone.get_timezone_type() == Time_zone::TZ_OFFSET) return rules;
  for (int64_t at = 0; at < kEnd; at += kStep) {
    const int32_t next = OffsetAt(zone, at + kStep);
    if (next == offset) continue;
    int64_t before = at, after = at + kStep;  // the change lies in (before, after]
    while (after - before > 1) {
      const int64_t middle = before + (after - before) / 2;
      if (OffsetAt(zone, middle) == offset)
        before = middle;
      else
        after = middle;
    }
    rules.push_back({.utc_seconds = after, .offset_seconds = next});
    offset = next;
  }
  return rules;
}

bool Translator::HasFixedOffset() {
  if (fixed_offset_ < 0) fixed_offset_ = TimeZoneRules(*thd_->time_zone()).size() == 1 ? 1 : 0;
  return fixed_offset_ != 0;
}

}  // namespace sirocco::plugin
