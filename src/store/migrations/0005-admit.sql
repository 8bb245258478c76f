-- ADMIT: one round trip that decides a tool call, records its intent, and looks at the stops LAST. In few statements: to begin one costs
-- more than what it does, and of a busy gateway these are most of what it costs the store.

-- Locks, in this order: the approval's row (if one is redeemed), the budgets that cover the call, the new call's row. The stop check is a statement of its own
-- AFTER every lock was won, so its snapshot is younger than any wait: no ADMIT whose check begins after a stop's
-- acknowledgement admits a covered call. Breakers act through holds and stops, which are read there. A gateway that is not
-- registered, or retired, is not counted by a fence report, so nothing is admitted in its name.
-- rule: admit-checks-stops, admit-stops-last

-- All that comes before the stop check. `refused`: why the call has no row. The others are for the check, and for taking it back: the keys, agents and
-- epoch by which a stop finds it, and its task with those above.
CREATE FUNCTION estop.record_call(
  p_call_id text, p_gateway_id text, p_task_id text, p_token_epoch bigint, p_keys text[], p_tool_key text, p_worst bigint[],
  p_digest bytea, p_needs_approval boolean, p_policy_version text, p_approvers integer, p_flow_seq bigint, p_policies text[],
  OUT refused text, OUT redeemed text, OUT reserved text[], OUT call_keys text[], OUT agents text[], OUT line text[], OUT epoch bigint
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  t record;
  over text;
BEGIN
  SELECT n.task_id, n.agent_id, n.root_id, g.gateway_id, n.keys, n.agents, n.ancestors, n.epoch, f.root_id IS NOT NULL AS has_flow,
      a.must_be_watched AND estop.is_unwatched(n.agent_id) AS is_unwatched,
      -- Without a number the policy was told that nothing is known, and has decided by that.
      -- A judgement that knows of the entries up to the number may be built on while no other gateway has added to the memory since, and
      -- none has a call under way whose answer could already be in the agent's hands. A gateway waits for its own answers by itself. In one
      -- statement, so that an answer is seen either as missing or as an entry; each side of its own calls by itself, as a range of the index.
      f.root_id IS NOT NULL AND p_flow_seq IS NOT NULL AND (
        EXISTS (SELECT 1 FROM estop.task_flow_entries e
          WHERE e.root_id = n.root_id AND e.seq > p_flow_seq AND e.gateway_id IS DISTINCT FROM p_gateway_id)
        OR EXISTS (SELECT 1 FROM estop.calls c
          WHERE c.root_id = n.root_id AND NOT c.observed AND c.outcome IS DISTINCT FROM 'denied' AND c.gateway_id < p_gateway_id)
        OR EXISTS (SELECT 1 FROM estop.calls c
          WHERE c.root_id = n.root_id AND NOT c.observed AND c.outcome IS DISTINCT FROM 'denied' AND c.gateway_id > p_gateway_id)) AS is_stale,
      EXISTS (SELECT 1 FROM estop.budget_limits l WHERE l.agent_id = ANY (n.agents)) AS is_limited
    INTO t FROM (VALUES (p_task_id)) AS asked (task_id)
      LEFT JOIN estop.gateways g ON g.gateway_id = p_gateway_id AND g.retired_at IS NULL
      LEFT JOIN estop.tasks n ON n.task_id = asked.task_id
      LEFT JOIN estop.agents a ON a.agent_id = n.agent_id
      LEFT JOIN estop.task_flows f ON f.root_id = n.root_id;
  refused := CASE WHEN t.gateway_id IS NULL THEN 'unknown-gateway' WHEN t.task_id IS NULL THEN 'unknown-task'
    WHEN t.is_unwatched THEN 'unwatched' WHEN t.is_stale THEN 'stale-flow' END;
  IF refused IS NOT NULL THEN RETURN; END IF;
  IF p_needs_approval THEN
    UPDATE estop.approvals a SET state = 'redeemed', call_id = p_call_id
      WHERE a.task_id = p_task_id AND a.digest = p_digest AND a.tool_key = p_tool_key AND a.state = 'approved'
        AND a.policy_version = p_policy_version AND a.approvers >= p_approvers
      RETURNING a.approval_id INTO redeemed;
    IF redeemed IS NULL THEN refused := 'needs-approval'; RETURN; END IF;
  END IF;
  -- What is no amount is refused there, whether anything limits it or not.
  IF t.is_limited OR (p_worst[1] >= 0 AND p_worst[2] >= 0 AND p_worst[3] >= 0) IS NOT TRUE THEN
    SELECT r.refused, r.keys INTO over, reserved FROM estop.reserve_budgets(p_task_id, t.agent_id, t.root_id, p_worst) r;
  END IF;
  IF over IS NOT NULL THEN
    -- Nothing was made of the approval: it is there for when there is room again.
    UPDATE estop.approvals a SET state = 'approved', call_id = NULL WHERE a.approval_id = redeemed;
    refused := 'over-budget ' || over;
    RETURN;
  END IF;
  call_keys := t.keys || p_tool_key;
  IF NOT p_keys <@ t.keys THEN call_keys := call_keys || p_keys; END IF;
  INSERT INTO estop.calls (call_id, gateway_id, task_id, agent_id, keys, epoch, tool_key, digest, approval_id,
      cost_calls, cost_tokens, cost_microcents, budget_keys, root_id, observed, policy_version, policies)
    VALUES (p_call_id, p_gateway_id, p_task_id, t.agent_id, call_keys, p_token_epoch, p_tool_key, p_digest, redeemed,
      p_worst[1], p_worst[2], p_worst[3], reserved, t.root_id, NOT (t.has_flow AND p_tool_key LIKE 'tool:%'), p_policy_version, coalesce(p_policies, '{}'));
  agents := t.agents;
  line := t.ancestors || t.task_id;
  epoch := least(p_token_epoch, t.epoch);
END $$;

-- Whether what was redeemed may still be: its time is not over, and whoever said yes could say it now.
CREATE FUNCTION estop.is_still_approved(p_approval_id text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM estop.approvals a WHERE a.approval_id = p_approval_id AND a.expires_at > clock_timestamp()
    AND estop.still_approves(a.first_ground, a.agent_id) AND estop.still_approves(a.decided_ground, a.agent_id));
END $$;

-- The last statement that decides, and what follows from a no. Both the token and its task must be alive, and so must the yes: what
-- ran out while this call waited for a lock (its holder need not have changed the row) counts as much as a stop.
CREATE FUNCTION estop.decide_call(
  p_call_id text, p_task_id text, p_token_epoch bigint, p_keys text[], p_worst bigint[], p_redeemed text, p_reserved text[],
  OUT decision text, OUT killer text
)
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  task_open boolean;
  task_held boolean;
  approved boolean;
BEGIN
  SELECT estop.dead_by(p_keys, n.agents, least(p_token_epoch, n.epoch)), n.state <> 'closed', estop.is_held(n.task_id, n.ancestors),
      p_redeemed IS NULL OR estop.is_still_approved(p_redeemed)
    INTO killer, task_open, task_held, approved FROM estop.tasks n WHERE n.task_id = p_task_id;
  IF killer IS NULL AND task_open AND NOT task_held AND approved THEN
    decision := 'allow';
    RETURN;
  END IF;
  UPDATE estop.calls c SET settled_at = clock_timestamp(), outcome = 'denied', cost_calls = 0, cost_tokens = 0, cost_microcents = 0
    WHERE c.call_id = p_call_id;
  PERFORM estop.release_budgets(p_reserved, p_worst);
  -- A hold gives the approval back, and what ran out is left for request_approval to say so; a stop or a closed task ends it.
  UPDATE estop.approvals a SET state = CASE WHEN killer IS NULL AND task_open THEN 'approved' ELSE 'closed' END, call_id = NULL
    WHERE a.approval_id = p_redeemed;
  decision := CASE WHEN killer IS NOT NULL THEN 'stopped' WHEN task_open IS NOT TRUE THEN 'task-closed' WHEN task_held THEN 'held'
    ELSE 'needs-approval' END;
END $$;

CREATE FUNCTION estop.admit(
  p_call_id text, p_gateway_id text, p_task_id text, p_token_epoch bigint, p_keys text[], p_tool_key text, p_worst bigint[],
  p_digest bytea, p_needs_approval boolean, p_policy_version text, p_approvers integer,
  p_flow_seq bigint, p_policies text[] DEFAULT '{}'
) RETURNS TABLE (decision text, stop_id text, approval_id text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  c record;
  d record;
BEGIN
  -- Asked here as well: to call a function that has nothing to do is a statement too.
  IF pg_catalog.current_setting('synchronous_commit') IN ('off', 'local') THEN PERFORM estop.commit_durably(); END IF;
  c := estop.record_call(p_call_id, p_gateway_id, p_task_id, p_token_epoch, p_keys, p_tool_key, p_worst,
    p_digest, p_needs_approval, p_policy_version, p_approvers, p_flow_seq, p_policies);
  decision := c.refused;
  -- Mostly there is nothing at all by which a call could be refused, which one statement sees. Whatever there is, the next one judges. Its
  -- task and those above are counted: one that is not there any more is not open either.
  IF c.refused IS NULL AND c.redeemed IS NULL
      AND NOT EXISTS (SELECT 1 FROM estop.stops s
        WHERE s.scope_key = ANY (c.call_keys || ARRAY(SELECT l.label_key FROM estop.agent_labels l WHERE l.agent_id = ANY (c.agents)))
          AND (s.reset_at IS NULL OR s.epoch > c.epoch) IS TRUE)
      AND (SELECT count(*) FROM estop.tasks h WHERE h.task_id = ANY (c.line) AND NOT h.held AND h.state <> 'closed') = cardinality(c.line)
      AND NOT EXISTS (SELECT 1 FROM estop.breaker_trips b WHERE b.cleared_at IS NULL) THEN
    decision := 'allow';
  ELSIF c.refused IS NULL THEN
    d := estop.decide_call(p_call_id, p_task_id, p_token_epoch, c.call_keys, p_worst, c.redeemed, c.reserved);
    decision := d.decision;
    stop_id := d.killer;
    approval_id := CASE WHEN d.decision = 'allow' THEN c.redeemed END;
  END IF;
  RETURN NEXT;
END $$;

-- The end of an approval is stamped here, whoever writes it: history and events are built on it. An expired one ended when its time
-- was over, not when somebody noticed; one that a hold gave back has not ended.
CREATE FUNCTION estop.stamp_approval_end() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.state IN ('pending', 'approved') THEN
    NEW.ended_at := NULL;
    NEW.ended_by := NULL;
  ELSIF NEW.state <> OLD.state THEN
    NEW.ended_at := CASE WHEN NEW.state = 'expired' THEN NEW.expires_at ELSE clock_timestamp() END;
    NEW.ended_by := CASE WHEN NEW.state = 'closed' THEN estop.dead_by(NEW.keys, NEW.agents, NEW.epoch) END;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER approvals_stamp_end BEFORE UPDATE OF state ON estop.approvals
  FOR EACH ROW EXECUTE FUNCTION estop.stamp_approval_end();

-- One open approval for one call of one task, however often it is asked for. Refused for what is dead. An open one of another policy
-- version, or that fewer people would decide, or of whom one could not say it any more, ends here and people are asked anew. What a person denied is not asked again for a
-- while, and an agent may have only so many open and open only so many in a minute: people who are flooded approve anything. The
-- agent's row is locked, so that the counts are true.
CREATE FUNCTION estop.request_approval(
  p_approval_id text, p_task_id text, p_token_epoch bigint, p_tool_key text, p_digest bytea, p_shown text, p_ttl_ms bigint,
  p_policy_version text, p_approvers integer, p_quiet_ms bigint, p_max_open integer, p_max_per_minute integer,
  p_reasons jsonb DEFAULT '[]'
) RETURNS TABLE (decision text, approval_id text, state text, expires_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  t estop.tasks%ROWTYPE;
  refusal text;
BEGIN
  SELECT * INTO t FROM estop.tasks WHERE task_id = p_task_id;
  IF t.task_id IS NULL OR t.state = 'closed' THEN RETURN QUERY SELECT 'refused'::text, NULL::text, NULL::text, NULL::timestamptz; RETURN; END IF;
  PERFORM 1 FROM estop.agents a WHERE a.agent_id = t.agent_id FOR NO KEY UPDATE;
  PERFORM estop.withdraw_lost_approvals('gateway', p_task_id);
  UPDATE estop.approvals a SET state = CASE WHEN a.expires_at <= clock_timestamp() THEN 'expired' ELSE 'closed' END
    WHERE a.task_id = p_task_id AND a.digest = p_digest AND a.state IN ('pending', 'approved')
      AND (a.expires_at <= clock_timestamp() OR a.policy_version <> p_policy_version OR a.approvers < p_approvers);
  IF NOT EXISTS (SELECT 1 FROM estop.approvals a
    WHERE a.task_id = p_task_id AND a.digest = p_digest AND a.state IN ('pending', 'approved')) THEN
    refusal := estop.approval_refusal(t, p_digest, p_quiet_ms, p_max_open, p_max_per_minute);
    IF refusal IS NOT NULL THEN RETURN QUERY SELECT refusal, NULL::text, NULL::text, NULL::timestamptz; RETURN; END IF;
  END IF;
  INSERT INTO estop.approvals (approval_id, task_id, agent_id, agents, keys, epoch, tool_key, digest, shown, reasons, policy_version, approvers,
      requested_by, barred, state, expires_at)
    VALUES (p_approval_id, p_task_id, t.agent_id, t.agents, ARRAY(SELECT DISTINCT k FROM unnest(t.keys || p_tool_key) k),
      least(p_token_epoch, t.epoch), p_tool_key, p_digest, p_shown, coalesce(p_reasons, '[]'), p_policy_version, p_approvers, t.requested_by,
      ARRAY(SELECT DISTINCT lower(g.owner) FROM estop.agents g WHERE g.agent_id = ANY (t.agents) AND g.spec -> 'ownerApproves' IS DISTINCT FROM 'true'), 'pending',
      clock_timestamp() + make_interval(secs => p_ttl_ms / 1000.0))
    ON CONFLICT DO NOTHING;
  RETURN QUERY SELECT CASE WHEN estop.dead_by(a.keys, a.agents, a.epoch) IS NULL THEN 'open' ELSE 'refused' END,
    a.approval_id, a.state, a.expires_at
    FROM estop.approvals a WHERE a.task_id = p_task_id AND a.digest = p_digest AND a.state IN ('pending', 'approved');
  UPDATE estop.approvals a SET state = 'closed'
    WHERE a.task_id = p_task_id AND a.digest = p_digest AND a.state IN ('pending', 'approved')
      AND estop.dead_by(a.keys, a.agents, a.epoch) IS NOT NULL;
END $$;

-- Why nobody is asked; null if somebody may be. A flood is audited, once in a minute: the audit must not be flooded either.
CREATE FUNCTION estop.approval_refusal(t estop.tasks, p_digest bytea, p_quiet_ms bigint, p_max_open integer, p_max_per_minute integer)
RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  now_open bigint;
  of_minute bigint;
BEGIN
  IF EXISTS (SELECT 1 FROM estop.approvals a WHERE a.task_id = t.task_id AND a.digest = p_digest AND a.state = 'denied'
    AND a.decided_at > clock_timestamp() - make_interval(secs => p_quiet_ms / 1000.0)) THEN RETURN 'denied-before'; END IF;
  SELECT count(*) FILTER (WHERE a.state = 'pending' AND a.expires_at > clock_timestamp()),
      count(*) FILTER (WHERE a.requested_at > clock_timestamp() - interval '1 minute')
    INTO now_open, of_minute FROM estop.approvals a
    WHERE a.agent_id = t.agent_id AND (a.state = 'pending' OR a.requested_at > clock_timestamp() - interval '1 minute');
  IF now_open < p_max_open AND of_minute < p_max_per_minute THEN RETURN NULL; END IF;
  INSERT INTO estop.audit (kind, actor, subject, detail)
    SELECT 'approval.flood', 'agent:' || t.agent_id, t.agent_id, jsonb_build_object('task', t.task_id, 'open', now_open, 'ofMinute', of_minute)
    WHERE NOT EXISTS (SELECT 1 FROM estop.audit u WHERE u.subject = t.agent_id AND u.kind = 'approval.flood'
      AND u.at > clock_timestamp() - interval '1 minute');
  RETURN 'too-many';
END $$;

-- One decision by eligible people, each of whom is settled before anything counts: whoever asked for the task, answers for its agent or
-- for one that it works for (unless that agent's `ownerApproves` says so), or did when the call was asked for, may deny its calls and
-- never approve them; where two must approve nobody is both. One denial is enough. p_names: every name that this person goes by.
-- p_ground: what it rests on that this person may say it, which is looked at again when it is redeemed.
-- The stop check is the last statement: an approval never outlives a stop.
CREATE FUNCTION estop.decide_approval(
  p_approval_id text, p_decision text, p_actor text, p_reason text, p_names text[] DEFAULT '{}', p_ground jsonb DEFAULT NULL
)
RETURNS TABLE (outcome text, task_id text, state text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  a estop.approvals%ROWTYPE;
  killer text;
  is_first boolean;
  names text[] := ARRAY(SELECT lower(n) FROM unnest(p_names || p_actor) n);
BEGIN
  IF p_decision IS NULL OR p_decision NOT IN ('approved', 'denied') OR coalesce(p_actor, '') = '' THEN
    RAISE EXCEPTION 'a decision is approved or denied, by somebody' USING ERRCODE = 'ES002';
  END IF;
  SELECT * INTO a FROM estop.approvals x WHERE x.approval_id = p_approval_id FOR UPDATE;
  IF a.first_by IS NOT NULL AND NOT estop.still_approves(a.first_ground, a.agent_id) THEN
    PERFORM estop.withdraw_lost_approvals(p_actor, a.task_id);
    SELECT * INTO a FROM estop.approvals x WHERE x.approval_id = p_approval_id;
  END IF;
  IF a.approval_id IS NULL THEN RETURN QUERY SELECT 'unknown'::text, NULL::text, NULL::text; RETURN; END IF;
  IF a.state <> 'pending' THEN RETURN QUERY SELECT 'closed'::text, a.task_id, a.state; RETURN; END IF;
  IF a.expires_at <= clock_timestamp() THEN
    UPDATE estop.approvals x SET state = 'expired' WHERE x.approval_id = p_approval_id;
    RETURN QUERY SELECT 'closed'::text, a.task_id, 'expired'::text; RETURN;
  END IF;
  IF p_decision = 'approved' AND (lower(a.requested_by) = ANY (names) OR a.barred && names OR EXISTS (SELECT 1 FROM estop.agents g
      WHERE g.agent_id = ANY (a.agents) AND lower(g.owner) = ANY (names) AND g.spec -> 'ownerApproves' IS DISTINCT FROM 'true')) THEN
    RETURN QUERY SELECT 'not-eligible'::text, a.task_id, a.state; RETURN;
  END IF;
  IF p_decision = 'approved' AND lower(a.first_by) = ANY (names) THEN RETURN QUERY SELECT 'same-person'::text, a.task_id, a.state; RETURN; END IF;
  is_first := p_decision = 'approved' AND a.approvers = 2 AND a.first_by IS NULL;
  IF is_first THEN
    UPDATE estop.approvals x SET first_by = p_actor, first_at = clock_timestamp(), first_ground = p_ground WHERE x.approval_id = p_approval_id;
  ELSE
    UPDATE estop.approvals x SET state = p_decision, decided_by = p_actor, decided_at = clock_timestamp(), decision_reason = p_reason,
        decision_method = estop.method_now(), decided_ground = p_ground
      WHERE x.approval_id = p_approval_id;
  END IF;
  SELECT estop.dead_by(x.keys, x.agents, x.epoch) INTO killer FROM estop.approvals x WHERE x.approval_id = p_approval_id;
  IF killer IS NOT NULL THEN
    -- The decision does not stand, so nobody made it.
    UPDATE estop.approvals x SET state = 'closed', decided_by = NULL, decided_at = NULL, decision_reason = NULL, decision_method = NULL, first_by = NULL, first_at = NULL,
        first_ground = NULL, decided_ground = NULL
      WHERE x.approval_id = p_approval_id;
    RETURN QUERY SELECT 'closed'::text, a.task_id, 'closed'::text; RETURN;
  END IF;
  IF is_first THEN
    INSERT INTO estop.audit (kind, actor, subject, detail, reason, before, after) VALUES ('approval.first-of-two', left(p_actor, 200), p_approval_id,
      jsonb_build_object('task', a.task_id, 'tool', a.tool_key, 'digest', encode(a.digest, 'hex')), left(nullif(p_reason, ''), 2000),
      '{"state": "pending", "approvals": 0}', '{"state": "pending", "approvals": 1}');
  END IF;
  RETURN QUERY SELECT CASE WHEN is_first THEN 'needs-second' ELSE 'decided' END, a.task_id,
    CASE WHEN is_first THEN 'pending' ELSE p_decision END;
END $$;
