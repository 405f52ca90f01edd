#include "pipeline/decode_json.h"

#include <algorithm>
#include <optional>

namespace rollcall {

namespace {

constexpr size_t rpc_id_bytes_max = 64;

// Which keys count in an object.
enum class Reach : uint8_t {
    none,
    path,    // Those that name the object too.
    strong,  // And those that only a router has.
    all,
};

// A scalar as it came. Of a string the text; else the characters.
struct Scalar {
    enum class Kind : uint8_t { text, number, truth, null };
    Kind kind = Kind::null;
    std::string_view text;
    std::string_view lexeme;
    JsonNumber number;
};

// An element of a list, if it is a name and a value.
struct Row {
    std::string_view name;
    std::optional<Scalar> value;
};

class Report {
public:
    Report(JsonCursor& cursor, Fields& fields, std::string& unescaped)
        : cursor_(cursor), fields_(fields), unescaped_(unescaped) {}

    bool read() {
        return cursor_.each('}', [this] { return member({}, Reach::all, nullptr); });
    }

private:
    bool member(std::string_view object, Reach reach, Row* row) {
        JsonString name;
        if (!cursor_.name(name)) return false;
        const std::string_view key = name.raw.empty() ? "_" : text_of(name);
        switch (cursor_.peek()) {
            case '{': return group(key, reach);
            case '[': return list(key, reach);
            default: break;
        }
        Scalar value;
        if (!scalar(value)) return false;
        if (object.empty() && row == nullptr) note(key, value);
        // In a list a name is the element's, and whose value it is shows at its end.
        if (row != nullptr && key == "name" && value.kind == Scalar::Kind::text) {
            row->name = value.text;
        } else if (const Key known = key_of(object, key, reach)) {
            give(known, value);
            return true;
        }
        if (row != nullptr && (key == "value" || key == "point")) row->value = value;
        keep(key, value);
        return true;
    }

    bool group(std::string_view name, Reach around) {
        const char* const begin = cursor_.place();
        const auto mark = fields_.extra().open(name, '{');
        const auto outer = fields_.enter();
        Reach reach = around;
        if (around >= Reach::strong) reach = is_group(name) ? Reach::all : Reach::strong;
        if (!cursor_.each('}', [&] { return member(name, reach, nullptr); })) return false;
        fields_.leave(outer);
        fields_.extra().close(mark, '}');
        constexpr size_t empty = 2;  // "{}"
        if (name == "collectors")
            fields_.shape().collectors = cursor_.place() - begin > static_cast<ptrdiff_t>(empty);
        return true;
    }

    bool list(std::string_view name, Reach around) {
        const auto mark = fields_.extra().open(name, '[');
        const bool speaks_of_router = around >= Reach::strong && is_group(name);
        Reach reach = around == Reach::none ? Reach::none
                      : speaks_of_router    ? Reach::all
                                            : Reach::path;
        const bool good = cursor_.each(']', [&] {
            const char next = cursor_.peek();
            if (next == '[') return list({}, Reach::none);
            if (next == '{') {
                const bool read = element(name, reach, around, speaks_of_router);
                reach = Reach::none;
                return read;
            }
            Scalar value;
            if (!scalar(value)) return false;
            keep({}, value);
            return true;
        });
        fields_.extra().close(mark, ']');
        return good;
    }

    bool element(std::string_view list, Reach reach, Reach around, bool speaks_of_router) {
        Row row;
        const auto mark = fields_.extra().open({}, '{');
        const auto outer = fields_.enter();
        if (!cursor_.each('}', [&] { return member(list, reach, &row); })) return false;
        if (around != Reach::none && !row.name.empty()) {
            const Key key = find_key(row.value ? row.name : "name");
            if (row.value && key && !key.pairs_only && (speaks_of_router || !key.weak)) {
                fields_.extra().take_back(mark);
                give(key, *row.value);
            } else if (!row.value && reach == Reach::all) {
                give(key, {Scalar::Kind::text, row.name, {}, {}});
            }
        }
        fields_.leave(outer);
        fields_.extra().close(mark, '}');
        return true;
    }

    bool scalar(Scalar& out) {
        const char* const begin = cursor_.place();
        JsonString string;
        bool good = false;
        switch (cursor_.peek()) {
            case '"':
                if (!cursor_.string(string)) return false;
                out.kind = Scalar::Kind::text;
                out.text = text_of(string);
                out.lexeme = {string.raw.data() - 1, string.raw.size() + 2};
                return true;
            case 't':
                out.kind = Scalar::Kind::truth;
                good = cursor_.word("true");
                break;
            case 'f':
                out.kind = Scalar::Kind::truth;
                good = cursor_.word("false");
                break;
            case 'n': good = cursor_.word("null"); break;
            default: out.kind = Scalar::Kind::number; good = cursor_.number(out.number);
        }
        out.lexeme = {begin, static_cast<size_t>(cursor_.place() - begin)};
        out.text = out.lexeme;
        return good;
    }

    std::string_view text_of(const JsonString& string) {
        if (!string.escaped) return string.raw;
        const size_t begin = unescaped_.size();
        json_unescape(string.raw, unescaped_);
        return std::string_view(unescaped_).substr(begin);
    }

    static Key key_of(std::string_view object, std::string_view name, Reach reach) {
        if (reach == Reach::none) return {};
        if (!object.empty()) {
            const Key key = find_key(object, name);
            if (key && !key.pairs_only) return key;
            if (reach == Reach::path) return {};
        }
        const Key key = find_key(name);
        if (!key || key.pairs_only || (key.weak && reach == Reach::strong)) return {};
        return key;
    }

    void give(const Key& key, const Scalar& value) {
        switch (value.kind) {
            case Scalar::Kind::text:
            case Scalar::Kind::truth: return fields_.text(key, value.text);
            case Scalar::Kind::null: return fields_.text(key, {});
            case Scalar::Kind::number: break;
        }
        const JsonNumber& number = value.number;
        if (key.keeps_text()) return fields_.literal(key, number.lexeme);
        if (number.whole) return fields_.integer(key, number.integer);
        // More digits than a double holds, or a size that none has: its column will know.
        const bool has_point = number.lexeme.find_first_of(".eE") != number.lexeme.npos;
        const double real = has_point ? number.real() : 0;
        if (!has_point || real != real) return fields_.literal(key, number.lexeme);
        fields_.real(key, real);
    }

    void keep(std::string_view name, const Scalar& value) {
        if (value.kind == Scalar::Kind::text) return fields_.extra().text(name, value.text);
        fields_.extra().literal(name, value.text);
    }

    // JSON-RPC 2.0, section 4. The id is sent back, so it has to be short and ASCII.
    void note(std::string_view key, const Scalar& value) {
        if (key == "jsonrpc") fields_.shape().json_rpc = true;
        const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
        if (key == "id" && value.lexeme.size() <= rpc_id_bytes_max &&
            std::ranges::all_of(value.lexeme, ascii))
            fields_.shape().rpc_id = value.lexeme;
    }

    JsonCursor& cursor_;
    Fields& fields_;
    std::string& unescaped_;
};

}  // namespace

JsonDecoder::JsonDecoder(size_t text_bytes_max) { unescaped_.reserve(text_bytes_max); }

Result<void> JsonDecoder::decode(std::string_view text, Fields& fields) {
    JsonCursor cursor(text);
    unescaped_.clear();
    const bool is_object = cursor.peek() == '{';
    const bool good = is_object ? Report(cursor, fields, unescaped_).read() : cursor.skip();
    if (!good || !cursor.finish()) return std::unexpected(cursor.fault());
    if (!is_object) return fail(Code::unsupported_shape);
    return {};
}

Result<void> JsonDecoder::decode_list(std::string_view text, size_t items_max, size_t done,
                                      Items& items) {
    JsonCursor whole(text);
    size_t count = 0;
    whole.peek();
    const bool valid = whole.each(']', [&] {
        ++count;
        return whole.skip();
    });
    if (!valid || !whole.finish()) return std::unexpected(whole.fault());
    if (count > items_max) return fail(Code::too_many_items);

    JsonCursor cursor(text);
    cursor.peek();
    size_t number = 0;
    bool room = true;
    (void)cursor.each(']', [&] {
        if (number++ < done) return cursor.skip();
        if (cursor.peek() != '{') {
            items.refused(Code::unsupported_shape);
            return cursor.skip();
        }
        Fields* const fields = items.next();
        room = fields != nullptr;
        if (!room) return false;
        const char* const begin = cursor.place();
        unescaped_.clear();
        (void)Report(cursor, *fields, unescaped_).read();  // It is valid: that was seen above.
        items.taken({begin, static_cast<size_t>(cursor.place() - begin)});
        return true;
    });
    if (!room) return fail(Code::ring_full);
    return {};
}

}  // namespace rollcall
