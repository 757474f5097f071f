#include "worker/catalogue.hpp"

#include <algorithm>
#include <type_traits>

#include "device/error.hpp"
#include "pipeline/pipeline.hpp"
#include "worker/overrides.hpp"

namespace chistream {

namespace {

constexpr bool kIsCuda = std::is_same_v<qsm::ThisDevice, qsm::Cuda>;

qsm::v1::OptionDescription to_message(qsm::OptionRow const& row, qsm::Preset const& preset) {
  qsm::v1::OptionDescription option;
  option.set_name(row.name);
  option.set_unit(row.unit);
  option.set_doc(row.doc);
  *option.mutable_default_value() = to_override(row.name, row.get(preset.options));
  option.set_minimum(row.minimum);
  option.set_maximum(row.maximum);
  for (auto const& choice : row.choices) option.add_choices(choice);
  option.set_integer(row.integer);
  return option;
}

}  // namespace

qsm::v1::Device to_message(qsm::DeviceInfo const& info) {
  qsm::v1::Device device;
  device.set_name(info.name);
  device.set_kind(info.kind);
  device.set_index(static_cast<std::uint32_t>(info.index));
  device.set_memory_bytes(info.memory_bytes);
  device.set_free_bytes(info.free_bytes);
  return device;
}

qsm::v1::WorkerCatalogue catalogue() {
  qsm::v1::WorkerCatalogue all;
  all.set_software(kSoftware);
  all.set_version(kVersion);
  all.set_device_kind(kIsCuda ? "cuda" : "cpu");
  for (auto const& info : qsm::ThisDevice::list()) *all.add_devices() = to_message(info);
  for (auto const& preset : qsm::presets()) {
    auto& pipeline = *all.add_pipelines();
    pipeline.set_name(preset.name);
    pipeline.set_version(preset.version);
    pipeline.set_doc(preset.doc);
    for (auto const& stage : qsm::stage_names()) pipeline.add_stages(stage);
    for (auto const& row : qsm::option_table()) *pipeline.add_options() = to_message(row, preset);
  }
  return all;
}

qsm::DeviceInfo device_at(int index) {
  auto const devices = qsm::ThisDevice::list();
  auto const found = std::find_if(devices.begin(), devices.end(),
                                  [&](auto const& device) { return device.index == index; });
  if (found != devices.end()) return *found;
  if (!devices.empty())
    throw qsm::Error(qsm::ErrorCode::kDeviceFailure, "NO_DEVICE",
                     "there is no device " + std::to_string(index) + " among the " +
                         std::to_string(devices.size()) + " of this machine");
  throw qsm::Error(qsm::ErrorCode::kDeviceFailure, "NO_DEVICE",
                   kIsCuda ? "no CUDA driver or no CUDA device answers on this machine"
                           : "no processor answers on this machine");
}

}  // namespace chistream
