// The best path by dynamic programming, one step a code point.
#include "text/unigram.h"

#include <algorithm>
#include <utility>

#include "text/code_points.h"

namespace hadal::core {
namespace {

constexpr size_t kUnreached = SIZE_MAX;

/// The best way to write what lies before an offset.
struct Node {
    Token token = -1;
    double score = 0;
    size_t begin = kUnreached;  ///< of its last token
};

}  // namespace

Unigram::Unigram(StringTable forms, std::vector<Token> members, UnigramRules rules)
    : forms_(std::move(forms)), pieces_(forms_, std::move(members)), rules_(std::move(rules)) {}

void Unigram::encode(std::string_view piece, ModelWork &, std::vector<Token> &out) const {
    std::vector<Node> nodes(piece.size() + 1);
    const auto offer = [&nodes](size_t begin, size_t end, Token token, double score) {
        Node &node = nodes[end];
        if (node.begin == kUnreached || score > node.score) node = {token, score, begin};
    };
    for (size_t begin = 0; begin < piece.size();) {
        const double before = nodes[begin].score;
        const size_t next = begin + code_point_bytes(piece[begin]);
        bool has_single = false;
        uint32_t found = pieces_.longest_prefix(piece.substr(begin));
        for (; found != PieceIndex::kNone; found = pieces_.parent(found)) {
            const Token token = pieces_.token(found);
            const size_t end = begin + pieces_.text(found).size();
            offer(begin, end, token, rules_.scores[static_cast<size_t>(token)] + before);
            has_single = has_single || end == next;
        }
        if (!has_single) offer(begin, next, rules_.unknown, rules_.unknown_score + before);
        begin = next;
    }
    const auto n_before = static_cast<std::ptrdiff_t>(out.size());
    for (size_t end = piece.size(); end > 0;) {
        const Node &node = nodes[end];
        const bool is_unknown = node.token == rules_.unknown;
        const bool goes_on = is_unknown && end < piece.size() && static_cast<std::ptrdiff_t>(out.size()) > n_before &&
                             out.back() == rules_.unknown;
        if (is_unknown && rules_.has_byte_tokens) {
            for (size_t i = end; i > node.begin; --i) {
                out.push_back(rules_.byte_tokens[static_cast<unsigned char>(piece[i - 1])]);
            }
        } else if (!goes_on) {
            out.push_back(node.token);
        }
        end = node.begin;
    }
    std::reverse(out.begin() + n_before, out.end());
}

}  // namespace hadal::core
