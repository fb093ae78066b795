#include "plan/placement.h"

#include <algorithm>
#include <map>

#include "plan/segment.h"

namespace hadal::core {

namespace {

using Devices = std::span<const std::shared_ptr<Device>>;

/// Ops that must go together: those of one state, every other op alone. In program order of their first op.
std::vector<std::vector<uint32_t>> groups(const Program &program) {
    std::vector<std::vector<uint32_t>> result;
    std::map<ValueId, size_t> group_of_state;
    for (uint32_t op_i = 0; op_i < program.ops.size(); ++op_i) {
        size_t group_i = result.size();
        for (const ValueId id : program.ops[op_i].inputs) {
            const ValueId base = program.values[id].base;
            if (program.values[base].kind != ValueKind::state) continue;
            group_i = group_of_state.try_emplace(base, group_i).first->second;
        }
        if (group_i == result.size()) result.emplace_back();
        result[group_i].push_back(op_i);
    }
    return result;
}

/// Device indices in the order to be asked.
Result<std::vector<uint32_t>> preference(Devices devices, const PlacementRules &rules) {
    std::vector<uint32_t> order;
    for (uint32_t i = 0; i < devices.size(); ++i) {
        if (rules.backend.empty() || rules.backend == devices[i]->backend()) order.push_back(i);
    }
    if (order.empty()) return error(Status::not_found, "no device of a backend '", rules.backend, "'");
    if (rules.fallback == Fallback::forbid) {
        if (rules.backend.empty()) order.resize(1);
        return order;
    }
    for (uint32_t i = 0; i < devices.size(); ++i) {
        if (std::find(order.begin(), order.end(), i) == order.end()) order.push_back(i);
    }
    return order;
}

class Placer {
public:
    Placer(const Program &program, const Checkpoint &checkpoint, Devices devices)
        : program_(program), checkpoint_(checkpoint), devices_(devices) {
        placement_.device_of_op.resize(program.ops.size());
    }

    Result<void> place_group(const std::vector<uint32_t> &ops, const std::vector<uint32_t> &order) {
        std::string reasons;
        for (const uint32_t device_i : order) {
            HADAL_TRY(const bool taken, all_accepted(ops, device_i, reasons));
            if (!taken) continue;
            for (const uint32_t op_i : ops) placement_.device_of_op[op_i] = device_i;
            return {};
        }
        const Op &op = program_.ops[ops.front()];
        return error(Status::unsupported, "op ", ops.front(), " ", op_name(op.opcode), " '",
                     program_.values[op.outputs.front()].name, "' runs on no device that may be used", reasons);
    }

    Placement take() { return std::move(placement_); }

private:
    Result<bool> all_accepted(const std::vector<uint32_t> &ops, uint32_t device_i, std::string &reasons) {
        const Device &device = *devices_[device_i];
        for (const uint32_t op_i : ops) {
            const Segment alone{
                .device_i = device_i, .first_op = op_i, .n_ops = 1, .states = {}, .incoming = {}, .outgoing = {}};
            const SegmentView view(program_, checkpoint_, alone, {});
            hadal_bk_answer answer{};
            answer.struct_size = sizeof answer;
            hadal_error failure{};
            HADAL_CHECK(from_backend(device.api(),
                                     device.api().op_query(device.handle(), &view.c(), 0, &answer, &failure), failure));
            if (answer.yes) continue;
            answer.reason[sizeof answer.reason - 1] = '\0';
            placement_.refusals.push_back({op_i, device_i, answer.reason});
            reasons += text("; ", device.backend(), ": ", answer.reason);
            return false;
        }
        return true;
    }

    const Program &program_;
    const Checkpoint &checkpoint_;
    Devices devices_;
    Placement placement_;
};

}  // namespace

Result<Placement> place(const Program &program, const Checkpoint &checkpoint, Devices devices,
                        const PlacementRules &rules) {
    HADAL_TRY(const std::vector<uint32_t> order, preference(devices, rules));
    Placer placer(program, checkpoint, devices);
    for (const std::vector<uint32_t> &ops : groups(program)) {
        const auto pin = std::find_if(rules.pins.begin(), rules.pins.end(), [&](const OpPin &candidate) {
            return std::find(ops.begin(), ops.end(), candidate.op_i) != ops.end();
        });
        if (pin == rules.pins.end()) {
            HADAL_CHECK(placer.place_group(ops, order));
            continue;
        }
        HADAL_TRY(const std::vector<uint32_t> pinned,
                  preference(devices, {.backend = pin->backend, .fallback = Fallback::forbid, .pins = {}}));
        HADAL_CHECK(placer.place_group(ops, pinned));
    }
    return placer.take();
}

}  // namespace hadal::core
