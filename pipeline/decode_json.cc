#include "pipeline/decode_json.h"

#include <simdjson.h>

#include <string>

#include "pipeline/json_fault.h"

namespace rollcall {

namespace dom = simdjson::dom;

static_assert(body_padding >= simdjson::SIMDJSON_PADDING);

namespace {

// Where the values of an object stand in its text, which is known to be valid. simdjson keeps the
// value of a number but not its characters; this finds them again, for the few that need it.
class MemberWalk {
public:
    explicit MemberWalk(std::string_view object) : text_(object), at_(object.find('{') + 1) {}

    // The text of a scalar member's value, by its position; positions asked for only grow.
    std::string_view value(size_t position) {
        for (;; ++member_) {
            skip_until('"');
            skip_string();
            skip_until(':');
            ++at_;
            while (is_space(text_[at_])) ++at_;
            const size_t begin = at_;
            skip_value();
            if (member_ == position) {
                ++member_;
                return text_.substr(begin, at_ - begin);
            }
        }
    }

private:
    static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

    void skip_until(char c) { at_ = text_.find(c, at_); }

    void skip_string() {
        for (++at_; text_[at_] != '"'; ++at_)
            if (text_[at_] == '\\') ++at_;
        ++at_;
    }

    void skip_value() {
        size_t depth = 0;
        do {
            const char c = text_[at_];
            if (c == '"') {
                skip_string();
            } else if (c == '{' || c == '[') {
                ++depth;
                ++at_;
            } else if (c == '}' || c == ']') {
                --depth;
                ++at_;
            } else if (depth > 0) {
                ++at_;
            } else {
                at_ = text_.find_first_of(", \t\n\r}", at_);
            }
        } while (depth > 0);
    }

    std::string_view text_;
    size_t at_;
    size_t member_ = 0;
};

void give_member(const Key& key, const dom::element& value, size_t position, MemberWalk& walk,
                 Fields& fields) {
    using Type = dom::element_type;
    const Type type = value.type();
    switch (type) {
        case Type::INT64:
        case Type::UINT64:
        case Type::DOUBLE:
            if (key.keeps_text()) return fields.literal(key, walk.value(position));
            if (type == Type::INT64) return fields.integer(key, value.get_int64().value_unsafe());
            return fields.real(key, value.get_double().value_unsafe());
        case Type::STRING: return fields.text(key, value.get_string().value_unsafe());
        case Type::BOOL:
            return fields.text(key, value.get_bool().value_unsafe() ? "true" : "false");
        case Type::NULL_VALUE: return fields.text(key, {});
        case Type::OBJECT:
        case Type::ARRAY: return;
    }
}

}  // namespace

struct JsonDecoder::Parser {
    explicit Parser(size_t text_bytes_max) {
        // One more than its own count: simdjson wants the depth to stay below.
        ensure(parser.allocate(text_bytes_max, json_depth_max + 1) == simdjson::SUCCESS);
        ensure(document.allocate(text_bytes_max) == simdjson::SUCCESS);
        mended.reserve(text_bytes_max + body_padding);
    }

    simdjson::simdjson_result<dom::element> parse(const char* text, size_t size) {
        constexpr bool copy_for_padding = false;
        return parser.parse_into_document(document, text, size, copy_for_padding);
    }

    dom::parser parser;
    dom::document document;
    std::string mended;  // A text that is JSON, without what simdjson cannot hold.
};

JsonDecoder::JsonDecoder(size_t text_bytes_max)
    : parser_(std::make_unique<Parser>(text_bytes_max)) {}

JsonDecoder::~JsonDecoder() = default;

Result<void> JsonDecoder::decode(std::string_view text, Fields& fields) {
    dom::element root;
    bool mended = false;
    if (parser_->parse(text.data(), text.size()).get(root) != simdjson::SUCCESS) {
        std::string& copy = parser_->mended;
        copy.assign(text);
        if (const auto sound = mend_json(copy); !sound) return sound;
        // Only a disagreement about the grammar could fail here; it must not cost the daemon.
        if (parser_->parse(copy.data(), copy.size()).get(root) != simdjson::SUCCESS)
            return fail(Code::malformed_json);
        mended = true;
    }
    dom::object object;
    if (root.get(object) != simdjson::SUCCESS) return fail(Code::unsupported_shape);

    MemberWalk walk(text);
    size_t position = 0;
    for (const auto [name, value] : object) {
        if (const Key key = find_key(name)) {
            const std::string_view lexeme =
                mended && value.is_null() ? walk.value(position) : "null";
            if (lexeme == "null") {
                give_member(key, value, position, walk, fields);
            } else {
                fields.literal(key, lexeme);
            }
        }
        ++position;
    }
    return {};
}

}  // namespace rollcall
