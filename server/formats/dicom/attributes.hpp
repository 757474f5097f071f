/// Reading single values out of DICOM data sets that scanners and routers wrote.
#pragma once

#include <dcmtk/dcmdata/dcitem.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace chistream::dicom {

/// The whole value, without padding; "" where it is absent or empty.
std::string text(DcmItem& item, DcmTagKey const& tag);

/// "ORIGINAL\\PRIMARY\\M" is three.
std::vector<std::string> components(std::string const& text);

/// "1.5\\-2" is two; none at all where one of them is no finite number.
std::vector<double> parse_numbers(std::string const& text);

/// Its components.
std::vector<std::string> texts(DcmItem& item, DcmTagKey const& tag);

/// Of a decimal or integer string, or a binary number; nothing where there is none or it is not
/// finite.
std::optional<double> number(DcmItem& item, DcmTagKey const& tag);
std::vector<double> numbers(DcmItem& item, DcmTagKey const& tag);

/// number(), or 0 below 0 and above 2^31.
std::uint32_t count(DcmItem& item, DcmTagKey const& tag);

/// The number behind a private tag: `element` of `group` in the block that `creator` reserved.
/// Also where a router that does not know the tag made it UN (little-endian 16 or 32 bit integer,
/// 32 bit float by `real`, or text).
std::optional<double> private_number(DcmItem& item, std::uint16_t group, std::uint8_t element,
                                     std::string const& creator, bool real = false);

/// The first item of a sequence, or null.
DcmItem* first_item(DcmItem& item, DcmTagKey const& sequence);

}  // namespace chistream::dicom
