#include "pipeline/decode/json.h"

#include <algorithm>
#include <optional>

#include "pipeline/decode/decimal.h"

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

// A scalar as it came: of a string the text, of all others the characters.
struct Scalar {
    enum class Kind : uint8_t { text, integer, decimal, large, word, null };
    Kind kind = Kind::null;
    std::string_view text;
    int64_t integer = 0;
};

// What an object says of a name and a value, if it is an element, or called like a key.
struct Row {
    Scalar name;
    std::optional<Scalar> value;
};

// A member's name, and what it means until the next one.
struct Name {
    std::string_view text;
    const Meaning* meaning = nullptr;
};

// Where a member or an element stands.
struct Place {
    std::string_view object = {};  // Whose member it is; empty at the top.
    Reach reach = Reach::all;
    Row* row = nullptr;
};

// Each step takes the cursor where something begins and gives it back where that ends, or stopped.
class Report {
public:
    Report(Fields& fields, std::string& unescaped)
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
            if (in.row != nullptr && name == "name") key = nullptr;
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

    // A member's name and its colon. Inline, for the cursor to stay where it is.
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

    // A member that no column goes by, or not yet: in a list a name is the element's, and whose
    // value it is shows at its end.
    void other(const Place& in, const Extra::Name& name, const Scalar& value,
               std::string_view lexeme) {
        if (in.row != nullptr && name.text == "name") in.row->name = value;
        if (in.row != nullptr && (name.text == "value" || name.text == "point"))
            in.row->value = value;
        if (in.row == nullptr && in.object.empty()) note(name.text, lexeme);
        keep(name, value);
    }

    JsonCursor group(JsonCursor cursor, std::string_view name, const Meaning& meaning,
                     Reach around) {
        const char* const begin = cursor.place();
        const auto mark = fields_.extra().open({name, meaning.secret, meaning.plain}, '{');
        const auto outer = fields_.enter();
        Row row;
        Place in{name, around};
        if (around >= Reach::strong) in.reach = meaning.group ? Reach::all : Reach::strong;
        const Key key{name, meaning.group ? nullptr : known(meaning, around)};
        if (key) in.row = &row;
        cursor = members(cursor, in);
        fields_.leave(outer);
        if (key && row.value) {
            fields_.extra().take_back(mark);
            give(key, *row.value);
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
        Row row;
        in.row = &row;
        const auto mark = fields_.extra().open({}, '{');
        const auto outer = fields_.enter();
        cursor = members(cursor, in);
        if (around != Reach::none && row.name.kind == Scalar::Kind::text) {
            const std::string_view name = row.value ? row.name.text : "name";
            const Key key{name, dictionary_.look_up(name).alone};
            if (row.value && key && (speaks_of_router || !key->weak)) {
                fields_.extra().take_back(mark);
                give(key, *row.value);
            } else if (!row.value && in.reach == Reach::all) {
                give(key, row.name);
            }
        }
        fields_.leave(outer);
        fields_.extra().close(mark, '}');
        return cursor;
    }

    // What begins with `first`, which the cursor is at. Inline as well.
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
        // More digits than a double holds, or a size that none has: its column will know.
        double real = 0;
        const char* const end = value.text.data() + value.text.size();
        if (value.kind == Scalar::Kind::large ||
            read_decimal(value.text.data(), end, real).ec != std::errc{})
            return fields_.literal(key, value.text);
        fields_.real(key, real);
    }

    void keep(const Extra::Name& name, const Scalar& value) {
        if (value.kind == Scalar::Kind::text) return fields_.extra().text(name, value.text);
        fields_.extra().literal(name, value.text);
    }

    // JSON-RPC 2.0, section 4. The id is sent back, so it has to be short and ASCII.
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

JsonDecoder::JsonDecoder(size_t text_bytes_max) { unescaped_.reserve(text_bytes_max); }

Result<void> JsonDecoder::decode(std::string_view text, Fields& fields) {
    JsonCursor cursor(text);
    unescaped_.clear();
    const bool is_object = cursor.peek() == '{';
    if (is_object) {
        cursor = Report(fields, unescaped_).read(cursor);
    } else if (!cursor.skip()) {
        cursor = cursor.stop();
    }
    if (!cursor.good() || !cursor.finish()) return std::unexpected(cursor.fault(text.data()));
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
    if (!valid) whole = whole.stop();
    if (!valid || !whole.finish()) return std::unexpected(whole.fault(text.data()));
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
        cursor = Report(*fields, unescaped_).read(cursor);
        ensure(cursor.good());  // That was seen above.
        items.taken({begin, static_cast<size_t>(cursor.place() - begin)});
        return true;
    });
    if (!room) return fail(Code::ring_full);
    return {};
}

}  // namespace rollcall
