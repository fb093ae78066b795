// The kernels, one file per op of ops.h. cpu.cpp makes the table.
#pragma once

#include "hadal/backend_sdk.hpp"

namespace hadal::cpu {

bool gather_rows_accepts(const sdk::OpView &op, char *reason, size_t reason_bytes);
hadal_status gather_rows_run(const sdk::Call &call, hadal_error *err);

bool matmul_accepts(const sdk::OpView &op, char *reason, size_t reason_bytes);
hadal_status matmul_run(const sdk::Call &call, hadal_error *err);
size_t matmul_scratch_bytes(const sdk::OpView &op, const hadal_bk_limits &limits);
size_t matmul_shared_scratch_bytes(const sdk::OpView &op, const hadal_bk_limits &limits);

bool elementwise_accepts(const sdk::OpView &op, char *reason, size_t reason_bytes);
hadal_status add_run(const sdk::Call &call, hadal_error *err);
hadal_status silu_mul_run(const sdk::Call &call, hadal_error *err);

bool rms_norm_accepts(const sdk::OpView &op, char *reason, size_t reason_bytes);
hadal_status rms_norm_run(const sdk::Call &call, hadal_error *err);
size_t rms_norm_prepared_bytes(const sdk::OpView &op);
hadal_status rms_norm_prepare(const sdk::OpView &op, const sdk::Operand *inputs, void *prepared, hadal_error *err);

bool rope_accepts(const sdk::OpView &op, char *reason, size_t reason_bytes);
hadal_status rope_run(const sdk::Call &call, hadal_error *err);
size_t rope_prepared_bytes(const sdk::OpView &op);
hadal_status rope_prepare(const sdk::OpView &op, const sdk::Operand *inputs, void *prepared, hadal_error *err);
size_t rope_scratch_bytes(const sdk::OpView &op, const hadal_bk_limits &limits);

bool kv_append_accepts(const sdk::OpView &op, char *reason, size_t reason_bytes);
hadal_status kv_append_run(const sdk::Call &call, hadal_error *err);

bool attention_accepts(const sdk::OpView &op, char *reason, size_t reason_bytes);
hadal_status attention_run(const sdk::Call &call, hadal_error *err);
size_t attention_scratch_bytes(const sdk::OpView &op, const hadal_bk_limits &limits);

}  // namespace hadal::cpu
