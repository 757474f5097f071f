/// What a benchmark measured, and its JSON.
#pragma once

#include <cstddef>
#include <fstream>
#include <string>
#include <vector>

namespace qsm::bench {

struct Floor {
  double transforms = 0, bytes = 0;  // [s]
  double seconds() const { return transforms + bytes; }
};

struct Row {
  std::string grid, stage;
  std::size_t voxels;
  double seconds;
  Floor floor;
  std::size_t peak_bytes;
  double ratio() const { return seconds / floor.seconds(); }
};

inline void write_json(std::string const& path, std::string const& device,
                       std::vector<Row> const& rows) {
  std::ofstream out(path);
  out << "{\"device\": \"" << device << "\", \"rows\": [\n";
  for (std::size_t r = 0; r < rows.size(); ++r)
    out << "  {\"grid\": \"" << rows[r].grid << "\", \"stage\": \"" << rows[r].stage
        << "\", \"seconds\": " << rows[r].seconds << ", \"voxels\": " << rows[r].voxels
        << ", \"floor_transforms_s\": " << rows[r].floor.transforms
        << ", \"floor_bytes_s\": " << rows[r].floor.bytes << ", \"ratio\": " << rows[r].ratio()
        << ", \"peak_bytes\": " << rows[r].peak_bytes << (r + 1 < rows.size() ? "},\n" : "}\n");
  out << "]}\n";
}

}  // namespace qsm::bench
