// Runs one fuzzer on every file of a directory, like libFuzzer with -runs=0, but with any compiler.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int arguments, char** argument) {
    if (arguments != 2) return 2;
    size_t inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(argument[1])) {
        std::ifstream file(entry.path(), std::ios::binary);
        // The buffer has exactly the size of the file, so that AddressSanitizer detects overreads.
        const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
        LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
        ++inputs;
    }
    std::printf("%zu inputs\n", inputs);
    return inputs == 0 ? 1 : 0;
}
