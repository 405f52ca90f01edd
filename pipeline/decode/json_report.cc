#include "pipeline/decode/json_report.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace rollcall {

namespace {

constexpr size_t rpc_id_bytes_max = 64;

// Which keys set a column when they name a member of an object.
enum class Reach : uint8_t {
    none,
    path,    // Keys that include the object's name.
    strong,  // These, and keys that only a router has.
    all,
};

// A scalar as it was sent: the text of a string, else the characters of the token.
struct Scalar {
    enum class Kind : uint8_t { text, integer, decimal, large, word, null };
    Kind kind = Kind::null;
    std::string_view text;
    int64_t integer = 0;
};

// The members `name` and `value` of an object that is an element of a list or named like a key.
struct NamedValue {
    Scalar name;
    std::optional<Scalar> value;
};

// A member's name and its meaning, which is valid until the next look-up.
struct Name {
    std::string_view text;
    const Meaning* meaning = nullptr;
};

// The object that a member belongs to.
struct Place {
    std::string_view object = {};  // Its name; empty for the report itself.
    Reach reach = Reach::all;
    NamedValue* named = nullptr;  // Where to note the members `name` and `value`, or nullptr.
};

// The recursive descent through one report. Each step takes the cursor by value at the beginning of
// a token and returns it behind the last token, or stopped.
class MemberReader {
public:
    MemberReader(Fields& fields, std::string& unescaped)
        : fields_(fields), dictionary_(fields.dictionary()), unescaped_(unescaped) {}

    JsonCursor read(JsonCursor cursor) { return members(cursor, {}); }

private:
    JsonCursor members(JsonCursor cursor, const Place& in) {
        if (!cursor.open()) return cursor.stop();
        if (cursor.take('}')) return cursor.closed();
        do {
            Name sent;
            if (!member_name(cursor, in.object, sent)) return cursor.stop();
            const auto& [name, meaning] = sent;
            const char first = cursor.peek();
            if (first == '{' || first == '[') {
                cursor = first == '{' ? group(cursor, name, *meaning, in.reach)
                                      : list(cursor, name, *meaning, in.reach);
                if (!cursor.good()) return cursor;
                continue;
            }
            const KnownKey* key = known(*meaning, in.reach);
            if (in.named != nullptr && name == "name") key = nullptr;
            const char* const begin = cursor.place();
            Scalar value;
            if (!scalar(cursor, first, value)) return cursor.stop();
            if (key != nullptr) {
                give({name, key}, value);
            } else {
                const char* const end = cursor.place();
                other(in, {name, meaning->secret, meaning->plain}, value, {begin, end});
            }
        } while (cursor.take(','));
        return cursor.take('}') ? cursor.closed() : cursor.stop();
    }

    // Reads a member's name and its colon. Inline, so that the cursor stays in registers.
    [[gnu::always_inline]] bool member_name(JsonCursor& cursor, std::string_view object,
                                            Name& out) {
        if (cursor.peek() != '"') return false;
        if (object.empty()) {
            const char* const begin = cursor.place() + 1;
            const auto expected = dictionary_.expect(cursor.rest_from(begin), "\":");
            if (expected.bytes > 0) {
                out = {{begin, expected.bytes}, expected.meaning};
                cursor.go_on(begin + expected.bytes + 2);
                return true;
            }
        }
        JsonString sent;
        if (!cursor.name(sent)) return false;
        out.text = sent.raw.empty() ? "_" : text_of(sent);
        out.meaning = object.empty() ? &dictionary_.look_up(out.text)
                                     : &dictionary_.look_up(object, out.text);
        return true;
    }

    // Handles a member whose name is not a key. In an element of a list, the members `name` and
    // `value` are noted, because only at the end of the element both are known.
    void other(const Place& in, const Extra::Name& name, const Scalar& value,
               std::string_view lexeme) {
        if (in.named != nullptr && name.text == "name") in.named->name = value;
        if (in.named != nullptr && (name.text == "value" || name.text == "point"))
            in.named->value = value;
        if (in.named == nullptr && in.object.empty()) note(name.text, lexeme);
        keep(name, value);
    }

    JsonCursor group(JsonCursor cursor, std::string_view name, const Meaning& meaning,
                     Reach around) {
        const char* const begin = cursor.place();
        const auto mark = fields_.extra().open({name, meaning.secret, meaning.plain}, '{');
        const auto outer = fields_.enter();
        NamedValue named;
        Place in{name, around};
        if (around >= Reach::strong) in.reach = meaning.group ? Reach::all : Reach::strong;
        const Key key{name, meaning.group ? nullptr : known(meaning, around)};
        if (key) in.named = &named;
        cursor = members(cursor, in);
        fields_.leave(outer);
        if (key && named.value) {
            fields_.extra().take_back(mark);
            give(key, *named.value);
        }
        fields_.extra().close(mark, '}');
        constexpr ptrdiff_t empty = 2;  // "{}"
        if (name == "collectors") fields_.shape().collectors = cursor.place() - begin > empty;
        return cursor;
    }

    JsonCursor list(JsonCursor cursor, std::string_view name, const Meaning& meaning,
                    Reach around) {
        const auto mark = fields_.extra().open({name, meaning.secret, meaning.plain}, '[');
        const bool speaks_of_router = around >= Reach::strong && meaning.group;
        Reach reach = around == Reach::none ? Reach::none
                      : speaks_of_router    ? Reach::all
                                            : Reach::path;
        const bool good = cursor.each(']', [&] {
            const char first = cursor.peek();
            if (first == '[') {
                cursor = list(cursor, {}, {}, Reach::none);
                return cursor.good();
            }
            if (first == '{') {
                cursor = element(cursor, {name, reach}, around, speaks_of_router);
                reach = Reach::none;
                return cursor.good();
            }
            Scalar value;
            if (!scalar(cursor, first, value)) return false;
            keep({}, value);
            return true;
        });
        fields_.extra().close(mark, ']');
        return good ? cursor : cursor.stop();
    }

    JsonCursor element(JsonCursor cursor, Place in, Reach around, bool speaks_of_router) {
        NamedValue named;
        in.named = &named;
        const auto mark = fields_.extra().open({}, '{');
        const auto outer = fields_.enter();
        cursor = members(cursor, in);
        if (around != Reach::none && named.name.kind == Scalar::Kind::text) {
            const std::string_view name = named.value ? named.name.text : "name";
            const Key key{name, dictionary_.look_up(name).alone};
            if (named.value && key && (speaks_of_router || !key->weak)) {
                fields_.extra().take_back(mark);
                give(key, *named.value);
            } else if (!named.value && in.reach == Reach::all) {
                give(key, named.name);
            }
        }
        fields_.leave(outer);
        fields_.extra().close(mark, '}');
        return cursor;
    }

    // Reads a scalar; the cursor stands at its first byte. Inline for the same reason.
    [[gnu::always_inline]] bool scalar(JsonCursor& cursor, char first, Scalar& out) {
        const auto word = [&](std::string_view letters, Scalar::Kind kind) {
            out.kind = kind;
            out.text = letters;
            return cursor.word(letters);
        };
        switch (first) {
            case '"': {
                JsonString string;
                if (!cursor.string(string)) return false;
                out.kind = Scalar::Kind::text;
                out.text = text_of(string);
                return true;
            }
            case 't': return word("true", Scalar::Kind::word);
            case 'f': return word("false", Scalar::Kind::word);
            case 'n': return word("null", Scalar::Kind::null);
            default: break;
        }
        JsonNumber number;
        if (!cursor.number(number)) return false;
        out.kind = number.exact     ? Scalar::Kind::integer
                   : number.decimal ? Scalar::Kind::decimal
                                    : Scalar::Kind::large;
        out.text = number.lexeme;
        out.integer = number.integer;
        return true;
    }

    std::string_view text_of(const JsonString& string) {
        if (!string.escaped) return string.raw;
        const size_t begin = unescaped_.size();
        json_unescape(string.raw, unescaped_);
        return std::string_view(unescaped_).substr(begin);
    }

    static const KnownKey* known(const Meaning& meaning, Reach reach) {
        if (reach == Reach::none) return nullptr;
        if (meaning.in_object) return meaning.in_object;
        if (reach == Reach::all) return meaning.alone;
        const KnownKey* const key = meaning.alone;
        return reach == Reach::strong && key != nullptr && !key->weak ? key : nullptr;
    }

    void give(const Key& key, const Scalar& value) {
        switch (value.kind) {
            case Scalar::Kind::text:
            case Scalar::Kind::word: return fields_.text(key, value.text);
            case Scalar::Kind::null: return fields_.text(key, {});
            case Scalar::Kind::integer:
            case Scalar::Kind::decimal:
            case Scalar::Kind::large: break;
        }
        if (key.keeps_text()) return fields_.literal(key, value.text);
        if (value.kind == Scalar::Kind::integer) return fields_.integer(key, value.integer);
        // A number with more digits than a double, or out of its range: the column decides.
        double real = 0;
        const char* const end = value.text.data() + value.text.size();
        if (value.kind == Scalar::Kind::large ||
            std::from_chars(value.text.data(), end, real).ec != std::errc{})
            return fields_.literal(key, value.text);
        fields_.real(key, real);
    }

    void keep(const Extra::Name& name, const Scalar& value) {
        if (value.kind == Scalar::Kind::text) return fields_.extra().text(name, value.text);
        fields_.extra().literal(name, value.text);
    }

    // Notes what a JSON-RPC response needs (JSON-RPC 2.0, section 4). The response repeats the id,
    // so the id has to be short and ASCII.
    void note(std::string_view name, std::string_view value) {
        if (name == "jsonrpc") fields_.shape().json_rpc = true;
        const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
        if (name == "id" && value.size() <= rpc_id_bytes_max && std::ranges::all_of(value, ascii))
            fields_.shape().rpc_id = value;
    }

    Fields& fields_;
    Dictionary& dictionary_;
    std::string& unescaped_;
};

}  // namespace

JsonReportReader::JsonReportReader(size_t text_bytes_max) { unescaped_.reserve(text_bytes_max); }

JsonCursor JsonReportReader::read(JsonCursor cursor, Fields& fields) {
    unescaped_.clear();
    return MemberReader(fields, unescaped_).read(cursor);
}

Result<void> JsonReportReader::read(std::string_view text, Fields& fields) {
    JsonCursor cursor(text);
    const bool is_object = cursor.peek() == '{';
    if (is_object) {
        cursor = read(cursor, fields);
    } else if (!cursor.skip()) {
        cursor = cursor.stop();
    }
    if (!cursor.good() || !cursor.finish()) return std::unexpected(cursor.fault(text.data()));
    if (!is_object) return fail(Code::unsupported_shape);
    return {};
}

}  // namespace rollcall
