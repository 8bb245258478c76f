-- Who may do what (docs/architecture.md). The roles themselves belong to the cluster and are made by provision.ts; here each gets
-- exactly the functions its process calls and the columns it reads. No role may write a table: every write goes through a function.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
REVOKE ALL ON SCHEMA estop FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA estop FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA estop FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA estop FROM PUBLIC;
GRANT USAGE ON SCHEMA estop TO estop_latch, estop_stop, estop_control, estop_gateway, estop_trusted, estop_revoker;

-- The latch alone: for `estop stop --direct`.
GRANT EXECUTE ON FUNCTION estop.latch(text, text, smallint, integer, text, text, text, text, text) TO estop_latch, estop_stop, estop_trusted, estop_revoker;

-- stop: what it latched can be read back while everything else is away.
GRANT SELECT ON estop.installation, estop.stops, estop.stop_progress, estop.stop_gateways, estop.latch_marks TO estop_stop;

-- gateway: functions only.
GRANT EXECUTE ON FUNCTION
  estop.register_gateway(text, text), estop.renew_lease(text, integer, integer, boolean, bigint), estop.confirm_fence(text, bigint, text),
  estop.retire_gateways(text, integer), estop.admit(text, text, text, bigint, text[], text, bigint[], bytea, boolean, text, integer, bigint, text[]),
  estop.request_approval(text, text, bigint, text, bytea, text, bigint, text, integer, bigint, integer, integer, jsonb), estop.hand_over(text, text, bigint),
  estop.note_tools(text, jsonb)
  TO estop_gateway;

-- control: everything people and services ask for. It cannot latch: that is the stop process's alone.
GRANT EXECUTE ON FUNCTION
  estop.register_task(text, text, text, text[], text, text, integer, integer, integer, text), estop.check_task(text), estop.close_tasks(text[], text),
  estop.hold_task(text, boolean, text, text), estop.reset(text, text, text, text[]), estop.decide_approval(text, text, text, text, text[], jsonb),
  estop.accept_risk(text, text, text), estop.apply_agents(jsonb), estop.settle_labels(), estop.record_config(text, text, jsonb),
  estop.append_audit(text, text, text, jsonb, text, jsonb, jsonb), estop.begin_request(text, text, bytea, integer),
  estop.finish_request(text, text, integer, jsonb), estop.prune_requests(bigint), estop.accept_tool(text, text, text, text, text)
  TO estop_control;

-- trusted: the life of a task and the mint.
GRANT EXECUTE ON FUNCTION
  estop.register_task(text, text, text, text[], text, text, integer, integer, integer, text), estop.check_task(text), estop.begin_task(text),
  estop.close_tasks(text[], text), estop.mint_intend(text, text, text, text, text, boolean, jsonb, bigint, bigint, text),
  estop.mint_recheck(text), estop.mint_issued(text, bytea), estop.append_audit(text, text, text, jsonb, text, jsonb, jsonb)
  TO estop_trusted;

-- revoker: fence reports, halt, obligations, drains.
GRANT EXECUTE ON FUNCTION
  estop.note_stop_seen(text), estop.report_fence(text, integer), estop.close_stale_approvals(), estop.retire_gateways(text, integer),
  estop.record_drain(timestamptz), estop.close_tasks(text[], text), estop.check_task(text),
  estop.open_obligations(text), estop.open_end_obligations(), estop.mark_revoked(text, integer),
  estop.conclude_obligation(text, integer, text, text, timestamptz, text), estop.reopen_obligation(text, integer, text),
  estop.mark_final(text[], integer[], timestamptz[]), estop.wipe_finished_grants(), estop.mark_stage(text, text), estop.mark_sweep(text, integer, text[]),
  estop.mint_recheck(text),
  estop.append_audit(text, text, text, jsonb, text, jsonb, jsonb)
  TO estop_revoker;

-- Reading. The sealed bytes of a grant leave the store towards an agent by hand_over alone; the final probe reads them too.
GRANT EXECUTE ON FUNCTION
  estop.current_epoch(), estop.labelled_agents(text, bigint), estop.dead_by(text[], text[], bigint), estop.is_held(text, text[]),
  estop.covered_open_tasks(text, integer), estop.count_covered_tasks(text), estop.count_possibly_completed(text), estop.revocation_state(text)
  TO estop_control, estop_trusted, estop_revoker;
GRANT SELECT ON
  estop.installation, estop.stops, estop.latch_marks, estop.stop_progress, estop.stop_gateways, estop.gateways, estop.intake_drains,
  estop.agents, estop.agent_labels, estop.tasks, estop.obligations, estop.obligation_phases, estop.approvals, estop.calls
  TO estop_control, estop_trusted, estop_revoker;
GRANT SELECT ON estop.audit, estop.config_versions, estop.reset_consents, estop.tool_pins, estop.estop_migrations TO estop_control;
GRANT SELECT (grant_id, name, task_id, agent_id, agents, keys, epoch, connector, target, shared, handle, state, absolute_end,
  intended_at, asked_at, issued_at, ended_at, end_reason) ON estop.grants TO estop_control, estop_trusted;
GRANT SELECT ON estop.grants TO estop_revoker;
