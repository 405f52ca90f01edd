#include "pipeline/decode/json_report.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>

#include "pipeline/decode/pairs.h"
#include "pipeline/decode/routeros.h"

namespace rollcall {

namespace {

using Scalar = JsonScalar;
using Member = JsonMember;

constexpr size_t rpc_id_bytes_max = 64;

// The keys that set a column when they name a member of an object.
enum class Reach : uint8_t {
    none,
    mean,    // Only the keys of `path` whose values in a list are averaged.
    path,    // All keys that include the object's name.
    strong,  // The keys of `path`, and all keys that only a router has.
    all,
};

// In an object of a list, the member whose name is earliest in label_names is the label. A member
// with one of the value_names is the value.
constexpr std::array<std::string_view, 13> label_names = {
    "name",      "key",   "sensor", "metric", "measurement", "item", "parameter",
    "attribute", "field", "label",  "n",      "type",        "cpu"};
constexpr std::array<std::string_view, 6> value_names = {"value",   "point", "val",
                                                         "reading", "v",     "lastvalue"};

size_t label_rank(std::string_view name) {
    return static_cast<size_t>(std::ranges::find(label_names, name) - label_names.begin());
}
bool is_value_name(std::string_view name) {
    return std::ranges::find(value_names, name) != value_names.end();
}

// The parts of an object that is an element of a list, or whose name is a key: its label, its
// value, and its first members that are not keys. What these parts mean together is known only at
// the end of the object.
struct Row {
    size_t rank = label_names.size();
    Scalar label;
    std::optional<Scalar> value;
    std::array<Member, 8> members;
    size_t members_count = 0;

    void note(std::string_view name, const Scalar& scalar) {
        const size_t its_rank = label_rank(name);
        if (its_rank < rank && scalar.kind == Scalar::Kind::text) {
            rank = its_rank;
            label = scalar;
        } else if (is_value_name(name)) {
            value = scalar;
        } else if (members_count < members.size()) {
            members[members_count++] = {name, scalar};
        }
    }
    [[nodiscard]] bool has_label() const { return rank < label_names.size(); }
    // Returns the kind of thing that the label names, which is the label without the number at its
    // end: "cpu" for "cpu0".
    [[nodiscard]] std::string_view thing() const {
        return label.text.substr(0, label.text.find_last_not_of("0123456789") + 1);
    }
};

// A member's name and its meaning, which is valid until the next look-up.
struct Name {
    std::string_view text;
    const Meaning* meaning = nullptr;
};

// The object that a member belongs to.
struct Place {
    bool is_report = false;  // The object is the report itself, in which all keys count.
    Scope scope = {};
    Reach reach = Reach::all;
    Row* row = nullptr;  // Where to note the members that are not keys, or nullptr.
    bool in_list = false;
    bool may_wrap = false;  // The object may be a JsonWrapper.
};

// Reads one report by recursive descent. Each step takes the cursor by value, at the beginning of a
// token. It returns the cursor after the last token, or stopped at malformed text.
class MemberReader {
public:
    MemberReader(Fields& fields, std::string& unescaped, JsonWrapper& wrapper)
        : fields_(fields),
          dictionary_(fields.dictionary()),
          unescaped_(unescaped),
          wrapper_(wrapper) {
        wrapper_.clear();
        fields_.shape().json = true;
    }

    JsonCursor read(JsonCursor cursor) {
        cursor = members(cursor, {.is_report = true});
        unwrap();
        return cursor;
    }
    JsonCursor read_menu(JsonCursor cursor) {
        return list(cursor, "rows", {}, Reach::all, Listing::menu);
    }

private:
    enum class Listing : uint8_t { of_member, menu };

    JsonCursor members(JsonCursor cursor, const Place& in) {
        if (!cursor.open()) return cursor.stop();
        if (cursor.take('}')) return cursor.closed();
        bool has_tags = false;
        bool has_fields = false;
        do {
            Name sent;
            if (!member_name(cursor, in.scope, sent)) return cursor.stop();
            const auto& [name, meaning] = sent;
            const char first = cursor.peek();
            if (first == '{' || first == '[') {
                has_tags |= name == "tags";
                has_fields |= name == "fields";
                const size_t known_before = fields_.known_keys();
                cursor = first == '{' ? group(cursor, name, *meaning, in)
                                      : list(cursor, name, *meaning, in.reach);
                if (!cursor.good()) return cursor;
                if (first == '[' && in.row == nullptr && fields_.known_keys() == known_before)
                    fields_.unknown_keys().count_list(in.scope.object, name);
                continue;
            }
            const KnownKey* key = in.is_report ? meaning->alone : known(*meaning, in.reach);
            if (in.row != nullptr && (name == "name" || is_value_name(name))) key = nullptr;
            const char* const begin = cursor.place();
            Scalar value;
            if (!scalar(cursor, first, value)) return cursor.stop();
            if (key != nullptr && in.is_report) {
                give({name, key}, value);
            } else if (key != nullptr && in.in_list && key->column == Column::cpu_load) {
                give_part({name, key}, value);
            } else if (key != nullptr) {
                give({name, key}, value);
                // A key like `free` in an object `memory` is no evidence that the object wraps the
                // report.
                wrapper_.proven |=
                    in.may_wrap && meaning->alone != nullptr && is_measured(meaning->alone->column);
            } else {
                const char* const end = cursor.place();
                if (value.kind == Scalar::Kind::text && meaning->group) {
                    if (nested(name, *meaning, value.text, in)) continue;
                    // nested() has looked up other names, so the earlier meaning is no longer
                    // valid.
                    sent.meaning = &dictionary_.look_up(in.scope, name);
                }
                other(in, sent, value, {begin, end});
            }
        } while (cursor.take(','));
        // An object with tags and fields is from Telegraf: its `name` is the name of the
        // measurement.
        if (has_tags && has_fields) forget_name(in);
        return cursor.take('}') ? cursor.closed() : cursor.stop();
    }

    // Reads a member's name and its colon. Inline, so that the cursor stays in registers.
    [[gnu::always_inline]] bool member_name(JsonCursor& cursor, const Scope& scope, Name& out) {
        if (cursor.peek() != '"') return false;
        const char* const begin = cursor.place() + 1;
        const auto expected = dictionary_.expect(cursor.rest_from(begin), "\":", scope);
        if (expected.bytes > 0) {
            out = {{begin, expected.bytes}, expected.meaning};
            cursor.go_on(begin + expected.bytes + 2);
            return true;
        }
        JsonString sent;
        if (!cursor.name(sent)) return false;
        out.text = sent.raw.empty() ? "_" : text_of(sent);
        out.meaning = &dictionary_.look_up(scope, out.text);
        return true;
    }

    // Stores a member whose name is not a key.
    void other(const Place& in, const Name& name, const Scalar& value, std::string_view lexeme) {
        if (in.row != nullptr) {
            in.row->note(name.text, value);
        } else if (in.may_wrap && wrapper_.members_count < wrapper_.members.size()) {
            wrapper_.members[wrapper_.members_count++] = {name.text, value};
        } else {
            count_unknown(*name.meaning, in.scope.object, name.text, value);
        }
        if (in.row == nullptr && in.scope.object.empty()) note(name.text, lexeme);
        keep({name.text, name.meaning->secret, name.meaning->plain}, value);
    }

    void count_unknown(const Meaning& meaning, std::string_view object, std::string_view name,
                       const Scalar& value) {
        fields_.unknown_keys().count(meaning, object, name, {type_of(value), value.text});
    }

    static UnknownValue::Type type_of(const Scalar& value) {
        switch (value.kind) {
            case Scalar::Kind::text: return UnknownValue::Type::text;
            case Scalar::Kind::word: return UnknownValue::Type::word;
            case Scalar::Kind::null: return UnknownValue::Type::null;
            case Scalar::Kind::integer:
            case Scalar::Kind::decimal:
            case Scalar::Kind::large: break;
        }
        return UnknownValue::Type::number;
    }

    JsonCursor group(JsonCursor cursor, std::string_view name, const Meaning& meaning,
                     const Place& place) {
        const Reach around = place.reach;
        const char* const begin = cursor.place();
        const auto mark = fields_.extra().open({name, meaning.secret, meaning.plain}, '{');
        const auto outer = fields_.enter();
        std::optional<Row> row;
        Place in{.scope = Scope(name, meaning), .reach = around};
        if (around >= Reach::strong)
            in.reach = meaning.group         ? Reach::all
                       : meaning.other_thing ? Reach::path
                                             : Reach::strong;
        const Key key{name, meaning.group ? nullptr : known(meaning, around)};
        if (key) in.row = &row.emplace();
        if (place.scope.object.empty() && !place.in_list && !meaning.group) {
            ++wrapper_.objects;
            in.may_wrap = !key && !meaning.other_thing && wrapper_.objects == 1;
            if (in.may_wrap) wrapper_.name = name;
        }
        cursor = members(cursor, in);
        fields_.leave(outer);
        if (row && row->value) {
            fields_.extra().take_back(mark);
            give(key, *row->value);
        }
        fields_.extra().close(mark, '}');
        constexpr ptrdiff_t empty = 2;  // "{}"
        if (name == "collectors") fields_.shape().collectors = cursor.place() - begin > empty;
        return cursor;
    }

    JsonCursor list(JsonCursor cursor, std::string_view name, const Meaning& meaning, Reach around,
                    Listing listing = Listing::of_member) {
        const auto mark = fields_.extra().open({name, meaning.secret, meaning.plain}, '[');
        const bool is_menu = listing == Listing::menu;
        const bool speaks_of_router = is_menu || (around >= Reach::strong && meaning.group);
        const KnownKey* const key = known(meaning, around);
        const bool is_mean = key != nullptr && key->column == Column::cpu_load;
        const Scope scope(name, meaning);
        Reach reach = around == Reach::none || is_menu ? Reach::none
                      : speaks_of_router               ? Reach::all
                                                       : Reach::path;
        const bool good = cursor.each(']', [&] {
            const char first = cursor.peek();
            if (first == '[') {
                cursor = list(cursor, {}, {}, Reach::none);
                return cursor.good();
            }
            if (first == '{') {
                cursor = element(cursor, {.scope = scope, .reach = reach, .in_list = true}, around,
                                 speaks_of_router);
                reach = reach == Reach::none || reach == Reach::all ? Reach::none : Reach::mean;
                return cursor.good();
            }
            Scalar value;
            if (!scalar(cursor, first, value)) return false;
            is_mean ? give_part({name, key}, value) : keep({}, value);
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
        if (around != Reach::none && row.has_label()) {
            if (row.value) {
                const Key key{row.label.text, dictionary_.look_up(row.label.text).alone};
                if (key && (speaks_of_router || !key->weak)) {
                    fields_.extra().take_back(mark);
                    give(key, *row.value);
                }
            } else if (row.rank == label_rank("name") && in.reach == Reach::all) {
                give({"name", dictionary_.look_up("name").alone}, row.label);
            } else {
                give_labelled(row);
            }
        }
        fields_.leave(outer);
        fields_.extra().close(mark, '}');
        return cursor;
    }

    // The label of a row can name a thing, such as "memory". Stores the members of the row that are
    // quantities of this thing: {"type":"memory","free":1} sets the free memory. Names and times
    // belong to the thing, not to the router.
    void give_labelled(const Row& row) {
        for (const auto& [name, value] : std::span(row.members).first(row.members_count)) {
            const Key key{name, dictionary_.look_up(row.thing(), name).in_object};
            if (!key || !is_quantity(key->column)) continue;
            key->column == Column::cpu_load ? give_part(key, value) : give(key, value);
        }
    }

    static bool is_quantity(Column column) {
        const Value value = info(column).value;
        return is_measured(column) || value == Value::decimal || value == Value::signal ||
               value == Value::address;
    }

    // Reads a text that is a JSON object or a list of pairs as if it were a group. Returns false if
    // it is neither.
    bool nested(std::string_view name, const Meaning& meaning, std::string_view text,
                const Place& in) {
        // The strings of the nested text are unescaped into the rest of unescaped_.
        const size_t room = unescaped_.capacity() - unescaped_.size();
        if (is_nested_ || in.reach < Reach::strong || room < text.size() + body_padding)
            return false;
        if (!text.starts_with('{')) {
            if (!has_known_pair(text, dictionary_)) return false;
            const auto outer = fields_.enter();
            read_list(text, fields_, unescaped_);
            fields_.leave(outer);
            return true;
        }
        JsonCursor check(text);
        if (!check.skip() || !check.finish()) return false;
        is_nested_ = true;
        (void)group(JsonCursor(text), name, meaning, in);
        is_nested_ = false;
        return true;
    }

    // If the report has a wrapper, stores the wrapper's members that are keys. Counts all other
    // members as unknown.
    void unwrap() {
        const bool is_wrapper = wrapper_.objects == 1 && wrapper_.proven;
        for (const auto& [name, value] :
             std::span(wrapper_.members).first(wrapper_.members_count)) {
            const Key key{name, is_wrapper ? dictionary_.look_up(name).alone : nullptr};
            if (!key)
                count_unknown(dictionary_.look_up(wrapper_.name, name), wrapper_.name, name, value);
            else if (!fields_.has(key->column))
                give(key, value);
        }
    }

    void forget_name(const Place& in) {
        if (in.row != nullptr) in.row->rank = label_names.size();
        fields_.forget({"name", dictionary_.look_up("name").alone});
    }

    // Reads a scalar; the cursor is at its first byte. Inline, so that the cursor stays in
    // registers.
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
        if (reach == Reach::mean) {
            const bool is_part = meaning.in_object && meaning.in_object->column == Column::cpu_load;
            return is_part ? meaning.in_object : nullptr;
        }
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
        // If the number has more digits than a double, or is out of range, the column decides how
        // to read it.
        double real = 0;
        const char* const end = value.text.data() + value.text.size();
        if (value.kind == Scalar::Kind::large ||
            std::from_chars(value.text.data(), end, real).ec != std::errc{})
            return fields_.literal(key, value.text);
        fields_.real(key, real);
    }

    void give_part(const Key& key, const Scalar& value) {
        if (const auto number = routeros::percent(value.text)) fields_.part_of_mean(key, *number);
    }

    void keep(const Extra::Name& name, const Scalar& value) {
        if (value.kind == Scalar::Kind::text) return fields_.extra().text(name, value.text);
        fields_.extra().literal(name, value.text);
    }

    // Notes the values that a JSON-RPC response needs (JSON-RPC 2.0, section 4). The response
    // repeats the id, so the id must be short and ASCII.
    void note(std::string_view name, std::string_view value) {
        if (name == "jsonrpc") fields_.shape().json_rpc = true;
        const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
        if (name == "id" && value.size() <= rpc_id_bytes_max && std::ranges::all_of(value, ascii))
            fields_.shape().rpc_id = value;
    }

    Fields& fields_;
    Dictionary& dictionary_;
    std::string& unescaped_;
    JsonWrapper& wrapper_;
    bool is_nested_ = false;
};

}  // namespace

bool opens_menu(std::string_view array) {
    JsonCursor cursor(array);
    if (!cursor.take('[') || cursor.peek() != '{') return false;
    bool has_id = false;
    bool has_label = false;
    bool has_value = false;
    JsonString name;
    (void)cursor.each('}', [&] {
        if (!cursor.name(name)) return false;
        has_id |= name.raw == ".id";
        has_label |= label_rank(name.raw) < label_rank("type");
        has_value |= is_value_name(name.raw);
        cursor.peek();
        return cursor.skip();
    });
    return has_id || (has_label && has_value);
}

// Reserves twice the size, because a string can itself be JSON text with strings.
JsonReportReader::JsonReportReader(size_t text_bytes_max) {
    unescaped_.reserve(2 * text_bytes_max + body_padding);
}

JsonCursor JsonReportReader::read(JsonCursor cursor, Fields& fields) {
    unescaped_.clear();
    return MemberReader(fields, unescaped_, wrapper_).read(cursor);
}

Result<void> JsonReportReader::read_menu(std::string_view text, Fields& fields) {
    unescaped_.clear();
    JsonCursor cursor(text);
    cursor.peek();
    cursor = MemberReader(fields, unescaped_, wrapper_).read_menu(cursor);
    if (!cursor.good() || !cursor.finish()) return std::unexpected(cursor.fault(text.data()));
    return {};
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
