#include "pipeline/decode/charset.h"

#include <iconv.h>

#include <algorithm>

#include "pipeline/base/ascii.h"

namespace rollcall {

namespace {

// Code pages that PCs use by default, under the names that senders use. All of them contain ASCII,
// so JSON and lists can be recognized by their first byte.
struct Charset {
    std::string_view sent;
    const char* name;  // The name that iconv uses.
};
constexpr std::array charsets = {Charset{"windows-1250", "CP1250"},
                                 Charset{"cp1250", "CP1250"},
                                 Charset{"windows-1251", "CP1251"},
                                 Charset{"cp1251", "CP1251"},
                                 Charset{"windows-1252", "CP1252"},
                                 Charset{"cp1252", "CP1252"},
                                 Charset{"windows-1253", "CP1253"},
                                 Charset{"cp1253", "CP1253"},
                                 Charset{"windows-1254", "CP1254"},
                                 Charset{"cp1254", "CP1254"},
                                 Charset{"windows-1255", "CP1255"},
                                 Charset{"cp1255", "CP1255"},
                                 Charset{"windows-1256", "CP1256"},
                                 Charset{"cp1256", "CP1256"},
                                 Charset{"windows-1257", "CP1257"},
                                 Charset{"cp1257", "CP1257"},
                                 Charset{"windows-1258", "CP1258"},
                                 Charset{"cp1258", "CP1258"},
                                 Charset{"windows-874", "CP874"},
                                 Charset{"tis-620", "TIS-620"},
                                 Charset{"iso-8859-1", "CP1252"},
                                 Charset{"latin1", "CP1252"},
                                 Charset{"iso-8859-2", "ISO-8859-2"},
                                 Charset{"iso-8859-5", "ISO-8859-5"},
                                 Charset{"iso-8859-7", "ISO-8859-7"},
                                 Charset{"iso-8859-9", "ISO-8859-9"},
                                 Charset{"iso-8859-15", "ISO-8859-15"},
                                 Charset{"koi8-r", "KOI8-R"},
                                 Charset{"koi8-u", "KOI8-U"},
                                 Charset{"ibm866", "CP866"},
                                 Charset{"cp866", "CP866"},
                                 Charset{"gbk", "GBK"},
                                 Charset{"gb2312", "GBK"},
                                 Charset{"cp936", "GBK"},
                                 Charset{"gb18030", "GB18030"},
                                 Charset{"big5", "BIG5"},
                                 Charset{"cp950", "CP950"},
                                 Charset{"euc-kr", "EUC-KR"},
                                 Charset{"cp949", "CP949"},
                                 Charset{"shift_jis", "CP932"},
                                 Charset{"cp932", "CP932"},
                                 Charset{"euc-jp", "EUC-JP"}};

}  // namespace

std::string_view declared_charset(std::string_view content_type) {
    constexpr std::string_view name = "charset=";
    while (!content_type.empty()) {
        const size_t length = std::min(content_type.find(';'), content_type.size());
        std::string_view parameter = without_blanks(content_type.substr(0, length));
        content_type.remove_prefix(std::min(length + 1, content_type.size()));
        if (!same_word(parameter.substr(0, name.size()), name)) continue;
        parameter.remove_prefix(name.size());
        if (parameter.size() > 1 && parameter.front() == '"' && parameter.back() == '"')
            parameter = parameter.substr(1, parameter.size() - 2);
        return parameter;
    }
    return {};
}

CharsetReader::~CharsetReader() {
    for (const Open& open : open_)
        if (open.conversion != nullptr) iconv_close(open.conversion);
}

// Returns the conversion from a charset, in its initial state. Returns nullptr if the charset is
// not known or iconv lacks it.
void* CharsetReader::conversion(std::string_view charset) {
    const auto* const found = std::ranges::find_if(
        charsets, [&](const Charset& known) { return same_word(known.sent, charset); });
    if (found == charsets.end()) return nullptr;
    const auto number = static_cast<size_t>(found - charsets.begin());
    for (const Open& open : open_) {
        if (open.conversion == nullptr || open.charset != number) continue;
        iconv(open.conversion, nullptr, nullptr, nullptr, nullptr);
        return open.conversion;
    }
    iconv_t made = iconv_open("UTF-8", found->name);
    if (made == reinterpret_cast<iconv_t>(-1)) return nullptr;
    Open& place = open_[next_];
    next_ = (next_ + 1) % open_max;
    if (place.conversion != nullptr) iconv_close(place.conversion);
    place = {number, made};
    return made;
}

bool CharsetReader::read(std::string_view charset, std::string_view text, std::string& out) {
    void* const from = conversion(charset);
    if (from == nullptr) return false;
    constexpr size_t growth_max = 3;  // One byte becomes at most three bytes of UTF-8.
    out.resize(std::min(out.capacity(), growth_max * text.size()));
    char* in = const_cast<char*>(text.data());  // iconv() does not change the text.
    size_t in_left = text.size();
    char* at = out.data();
    size_t out_left = out.size();
    const bool good = iconv(from, &in, &in_left, &at, &out_left) != static_cast<size_t>(-1);
    out.resize(static_cast<size_t>(at - out.data()));
    return good;
}

}  // namespace rollcall
