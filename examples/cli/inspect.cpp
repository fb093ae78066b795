// hadal inspect: what a checkpoint is and the memory it needs, from its headers alone.
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "command.h"
#include "model_arguments.h"
#include "output.h"

namespace command {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const hadal::Inspection &inspection) {
    const hadal::ModelInfo &info = inspection.info;
    const hadal::Requirements &needs = inspection.requirements;
    return {
        {"name", info.name},
        {"architecture", info.architecture},
        {"weight_type", info.weight_type},
        {"n_parameters", info.n_parameters},
        {"n_active_parameters", info.n_active_parameters},
        {"n_layers", info.n_layers},
        {"n_mtp_layers", info.n_mtp_layers},
        {"d_model", info.d_model},
        {"n_heads", info.n_heads},
        {"n_kv_heads", info.n_kv_heads},
        {"n_vocab", info.n_vocab},
        {"has_tokenizer", info.has_tokenizer == 1},
        {"context_tokens", info.context_tokens},
        {"weight_bytes", info.weight_bytes},
        {"weight_bytes_per_token", info.weight_bytes_per_token},
        {"kv_bytes_per_token", info.kv_bytes_per_token},
        {"requirements",
         {
             {"mapped_bytes", needs.mapped_bytes},
             {"model_bytes", needs.model_bytes},
             {"session_bytes", needs.session_bytes},
             {"kv_bytes_per_page", needs.kv_bytes_per_page},
             {"kv_tokens_per_page", needs.kv_tokens_per_page},
             {"max_context_tokens", needs.max_context_tokens},
         }},
    };
}

/// "1.04 MB"
std::string bytes_text(uint64_t bytes) {
    const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double value = static_cast<double>(bytes);
    size_t unit = 0;
    for (; value >= 1000 && unit + 1 < std::size(units); ++unit) value /= 1000;
    char text[32];
    std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.3g %s", value, units[unit]);
    return text;
}

/// A name from a file, without what would steer the terminal.
std::string printable(std::string name) {
    for (char &byte : name) {
        if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F) byte = '?';
    }
    return name.empty() ? "(none)" : name;
}

/// For people: a name and a value a line.
std::string to_text(const hadal::Inspection &inspection) {
    const hadal::ModelInfo &info = inspection.info;
    const hadal::Requirements &needs = inspection.requirements;
    std::string out;
    const auto line = [&out](const std::string &name, const std::string &value) {
        out += name + std::string(name.size() < 16 ? 16 - name.size() : 1, ' ') + value + "\n";
    };
    line("name", printable(info.name));
    line("architecture", info.architecture);
    line("parameters",
         std::to_string(info.n_parameters) + ", " + std::to_string(info.n_active_parameters) + " for a token");
    line("weights", std::string(info.weight_type) + ", " + bytes_text(info.weight_bytes) + ", " +
                        bytes_text(info.weight_bytes_per_token) + " read for a token");
    line("shape", std::to_string(info.n_layers) + " layers of width " + std::to_string(info.d_model) + ", " +
                      std::to_string(info.n_heads) + " heads, " + std::to_string(info.n_kv_heads) +
                      " for keys and values");
    if (info.n_mtp_layers > 0) {
        line("prediction", std::to_string(info.n_mtp_layers) + " more layers for further tokens, not used");
    }
    line("vocabulary",
         std::to_string(info.n_vocab) + " tokens, " + (info.has_tokenizer == 1 ? "with" : "without") + " a tokenizer");
    line("context", std::to_string(info.context_tokens) + " tokens trained, " +
                        std::to_string(needs.max_context_tokens) + " within the budget");
    line("cache", bytes_text(info.kv_bytes_per_token) + " a token, in pages of " +
                      std::to_string(needs.kv_tokens_per_page) + " tokens and " + bytes_text(needs.kv_bytes_per_page));
    line("memory", bytes_text(needs.mapped_bytes) + " mapped, " + bytes_text(needs.model_bytes) + " for the model, " +
                       bytes_text(needs.session_bytes) + " for a session without its cache");
    return out;
}

}  // namespace

Subcommand add_inspect(CLI::App &parent) {
    CLI::App *app = parent.add_subcommand("inspect", "Say what a model is and the memory it needs");
    auto arguments = std::make_shared<ModelArguments>();
    auto as_json = std::make_shared<bool>(false);
    arguments->add_to(*app, ModelArguments::Model::plankton);
    app->add_flag("--json", *as_json, "One JSON object");
    return {
        app, [arguments, as_json] {
            const hadal::Runtime runtime = arguments->make_runtime();
            const hadal::Inspection inspection = runtime.inspect(arguments->model_path(), arguments->options());
            // Names come from files: what is not UTF-8 in them must not end the output.
            constexpr auto kReplace = Json::error_handler_t::replace;
            output().write(*as_json ? to_json(inspection).dump(2, ' ', false, kReplace) + "\n" : to_text(inspection));
            return int{kSuccess};
        }};
}

}  // namespace command
