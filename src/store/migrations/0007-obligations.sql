-- What a stop (or a task's end) must make dead, and how far that is. The ledger alone decides what is done.
-- Reviewed against test/model (b1_mint, b2_prove, c2_reconcile).

-- Opens an obligation for every covered grant that is not ended and has none. Polled for every stop that is in force or not proved,
-- never read once. A grant that was never issued is closed on the spot. What is found late (a label given to an agent while the
-- stop is in force, a mint whose worker died) takes the stages it concerns back: `proved` is never said of it. An agent that no sweep
-- has looked for makes it sweep again. rule: obligations-polled, intended-grants-covered, stray-sweep
CREATE FUNCTION estop.open_obligations(p_stop_id text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  s estop.stops%ROWTYPE;
  labelled text[];
  opened integer;
BEGIN
  SELECT * INTO s FROM estop.stops x WHERE x.stop_id = p_stop_id;
  IF s.stop_id IS NULL THEN RETURN 0; END IF;
  -- Orders this against mark_stage: a stage is never stamped on what it did not see.
  PERFORM 1 FROM estop.stop_progress p WHERE p.stop_id = p_stop_id FOR UPDATE;
  labelled := estop.labelled_agents(s.scope_key, s.epoch);
  INSERT INTO estop.obligations (obligation_id, cause_id, stop_id, cause_epoch, grant_id, agent_id, task_id, connector, target, state, unissued)
    SELECT s.stop_id || '/' || g.grant_id, s.stop_id, s.stop_id, s.epoch, g.grant_id, g.agent_id, g.task_id, g.connector, g.target, 'open',
      g.state <> 'issued'
    FROM estop.grants g
    WHERE g.state <> 'ended' AND (g.keys @> ARRAY[s.scope_key] OR g.agents && labelled) AND (s.reset_at IS NULL OR g.epoch < s.epoch)
      -- Only spares trying thousands of rows in vain, several times a second; what decides is the conflict below. NOT IN, because that
      -- is one hash whatever the planner knows of these tables, where an anti-join may become a loop over all of them for each.
      AND g.grant_id NOT IN (SELECT o.grant_id FROM estop.obligations o WHERE o.cause_id = s.stop_id)
    -- Against wipe_finished_grants alone, which holds what it ends: nothing is owed to what has no secret left to be probed with.
    FOR KEY SHARE OF g SKIP LOCKED
    ON CONFLICT (cause_id, grant_id) DO NOTHING;
  GET DIAGNOSTICS opened = ROW_COUNT;
  PERFORM estop.close_never_issued(p_stop_id);
  UPDATE estop.stop_progress p SET sweeps_done = 0, swept_agents = NULL, proved_at = NULL, evidence = NULL
    WHERE p.stop_id = p_stop_id AND p.proved_at IS NOT NULL AND NOT labelled <@ coalesce(p.swept_agents, '{}');
  UPDATE estop.stop_progress p SET revoked_at = NULL, proved_at = NULL, evidence = NULL
    WHERE p.stop_id = p_stop_id AND opened > 0 AND p.revoked_at IS NOT NULL;
  UPDATE estop.stop_progress p SET halted_at = NULL, proved_at = NULL, evidence = NULL
    WHERE p.stop_id = p_stop_id AND p.halted_at IS NOT NULL AND EXISTS (SELECT 1 FROM estop.covered_open_tasks(p_stop_id, 1));
  RETURN opened;
END $$;

CREATE INDEX obligations_unissued ON estop.obligations (cause_id) WHERE final_at IS NULL AND unissued;

-- The mint ended the row before it asked the issuer: there is nothing to cut and nothing to probe. Only a grant that was not issued when
-- its obligation was opened can come to that, so no other is looked at.
CREATE FUNCTION estop.close_never_issued(p_cause_id text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.obligations o SET state = 'proved', evidence = 'nothing-to-revoke', revoked_at = coalesce(o.revoked_at, clock_timestamp()),
    proved_at = clock_timestamp(), final_at = clock_timestamp()
  FROM estop.grants g
  WHERE o.cause_id = p_cause_id AND o.final_at IS NULL AND o.unissued AND g.grant_id = o.grant_id AND g.state = 'ended'
    AND g.end_reason = 'never-issued'
$$;

-- A stop that is polled covers it: by its keys, or by a label that one of its agents has now. The stops are looked up by what it carries,
-- not tried one after the other: most of those in force have long been proved, and there may be thousands.
CREATE FUNCTION estop.is_left_to_stop(p_keys text[], p_agents text[], p_epoch bigint) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT 1 FROM estop.stops s
    WHERE s.scope_key = ANY (p_keys || ARRAY(SELECT l.label_key FROM estop.agent_labels l WHERE l.agent_id = ANY (p_agents)))
      AND (s.reset_at IS NULL OR (p_epoch < s.epoch
        AND NOT EXISTS (SELECT 1 FROM estop.stop_progress p WHERE p.stop_id = s.stop_id AND p.proved_at IS NOT NULL))) IS TRUE
      AND (s.scope_key = ANY (p_keys) OR p_agents && estop.labelled_agents(s.scope_key, s.epoch)));
END $$;

-- A task that ended in any way, also terminated by others, has its grants ended the same way. A grant that a polled stop covers is
-- left to that stop, and one that was accepted as a risk to the next stop. What has ended is found first, and the stops are asked of
-- that alone: asked of all that live, thousands of grants beside a thousand stops took the relay a minute. rule: task-end-ends-grants
CREATE FUNCTION estop.open_end_obligations() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  over text[];
  opened integer;
BEGIN
  over := ARRAY(SELECT g.grant_id
    FROM estop.grants g JOIN estop.tasks t ON t.task_id = g.task_id AND (t.state = 'closed' OR g.absolute_end < clock_timestamp())
    WHERE g.state <> 'ended'
      AND NOT EXISTS (SELECT 1 FROM estop.obligations o
        WHERE o.grant_id = g.grant_id AND (o.final_at IS NULL OR o.state = 'accepted-risk')));
  INSERT INTO estop.obligations (obligation_id, cause_id, stop_id, cause_epoch, grant_id, agent_id, task_id, connector, target, state, unissued)
    SELECT 'end:' || g.task_id || '/' || g.grant_id, 'end:' || g.task_id, NULL, g.epoch, g.grant_id, g.agent_id, g.task_id,
      g.connector, g.target, 'open', g.state <> 'issued'
    FROM estop.grants g
    WHERE g.grant_id = ANY (over) AND g.state <> 'ended' AND NOT estop.is_left_to_stop(g.keys, g.agents, g.epoch)
      -- A stop may have begun to owe it something since.
      AND NOT EXISTS (SELECT 1 FROM estop.obligations o WHERE o.grant_id = g.grant_id AND o.final_at IS NULL)
    FOR KEY SHARE OF g SKIP LOCKED
    ON CONFLICT (cause_id, grant_id) DO NOTHING;
  GET DIAGNOSTICS opened = ROW_COUNT;
  UPDATE estop.obligations o SET state = 'proved', evidence = 'nothing-to-revoke', revoked_at = coalesce(o.revoked_at, clock_timestamp()),
      proved_at = clock_timestamp(), final_at = clock_timestamp()
    FROM estop.grants g
    WHERE o.stop_id IS NULL AND o.final_at IS NULL AND o.unissued AND g.grant_id = o.grant_id AND g.state = 'ended'
      AND g.end_reason = 'never-issued';
  RETURN opened;
END $$;

-- All cutting phases of this round are done; what comes next is proof. An answer from an older round changes nothing.
CREATE FUNCTION estop.mark_revoked(p_obligation_id text, p_round integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE estop.obligations SET revoked_at = clock_timestamp(), phase = 'probe'
    WHERE obligation_id = p_obligation_id AND round = p_round AND revoked_at IS NULL AND final_at IS NULL;
  RETURN FOUND;
END $$;

-- The lane's own verdict for this round. `final` at once where no stop demands a last probe. The sealed credential is kept until the
-- final probe has used it, then wiped (wipe_finished_grants). `accepted-risk` has a door of its own, with a name on it.
CREATE FUNCTION estop.conclude_obligation(
  p_obligation_id text, p_round integer, p_state text, p_evidence text, p_residual_until timestamptz, p_residual_why text
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p_state IS NULL OR p_state NOT IN ('proved', 'expired', 'residual')
    OR (p_state = 'proved' AND p_evidence IS NULL) OR (p_state = 'residual' AND p_residual_until IS NULL) THEN
    RAISE EXCEPTION 'proved needs evidence, residual needs an end' USING ERRCODE = 'ES002';
  END IF;
  UPDATE estop.obligations o SET state = p_state, evidence = coalesce(p_evidence, o.evidence),
      revoked_at = coalesce(o.revoked_at, clock_timestamp()),
      proved_at = CASE WHEN p_state IN ('proved', 'expired') THEN clock_timestamp() ELSE o.proved_at END,
      residual_until = CASE WHEN p_state = 'residual' THEN p_residual_until ELSE o.residual_until END,
      residual_why = CASE WHEN p_state = 'residual' THEN p_residual_why ELSE o.residual_why END,
      last_error = NULL, next_try_at = NULL, asked_pause_ms = NULL, needs_human = NULL,
      final_at = CASE WHEN o.stop_id IS NULL AND p_state IN ('proved', 'expired') THEN clock_timestamp() ELSE o.final_at END
    WHERE o.obligation_id = p_obligation_id AND o.round = p_round AND o.final_at IS NULL AND o.state IN ('open', 'residual');
  RETURN FOUND;
END $$;

-- A probe found it alive: the lane is opened again, in the next round, with every phase to do once more. Where that goes on a person
-- is needed, and is told here: the timer of a workflow that goes on as a new run for all its rounds may never come to its end.
-- rule: final-probe
CREATE FUNCTION estop.reopen_obligation(p_obligation_id text, p_round integer, p_why text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  cause text;
BEGIN
  PERFORM 1 FROM estop.stop_progress p JOIN estop.obligations o ON o.cause_id = p.stop_id WHERE o.obligation_id = p_obligation_id FOR UPDATE OF p;
  UPDATE estop.obligations o SET state = 'open', round = o.round + 1, revoked_at = NULL, proved_at = NULL, final_probed_at = NULL, last_error = left(p_why, 2000), phase = NULL,
      next_try_at = NULL, asked_pause_ms = NULL,
      needs_human = CASE WHEN o.round >= 2 AND o.opened_at < clock_timestamp() - interval '60 s'
        THEN coalesce(o.needs_human, 'still alive although it was cut ' || o.round + 1 || ' times') ELSE o.needs_human END
    WHERE o.obligation_id = p_obligation_id AND o.round = p_round AND o.final_at IS NULL RETURNING o.cause_id INTO cause;
  IF cause IS NULL THEN RETURN false; END IF;
  UPDATE estop.stop_progress p SET revoked_at = NULL WHERE p.stop_id = cause AND p.proved_at IS NULL;
  RETURN true;
END $$;

-- The last word on lanes of one cause, of which others are not taken. Only a probe that BEGAN after the last cut of the whole cause counts
-- (p_begun_at is what begin_phase returned for it), and lanes become final together, once each has had such a probe: a lane that must be
-- cut again makes the others probe again. A residual is watched on its own, until its end. How many probes were taken. Many at a time,
-- because each call reads all of the cause. rule: final-probe, open-until-final
CREATE FUNCTION estop.mark_final(p_obligation_ids text[], p_rounds integer[], p_begun_at timestamptz[]) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  cause text;
  last_cut timestamptz;
  taken integer := 0;
BEGIN
  SELECT o.cause_id INTO cause FROM estop.obligations o WHERE o.obligation_id = p_obligation_ids[1];
  PERFORM 1 FROM estop.stop_progress p WHERE p.stop_id = cause FOR UPDATE;
  IF EXISTS (SELECT 1 FROM estop.obligations x WHERE x.cause_id = cause AND x.final_at IS NULL AND x.revoked_at IS NULL) THEN RETURN 0; END IF;
  SELECT max(x.revoked_at) INTO last_cut FROM estop.obligations x WHERE x.cause_id = cause;
  -- Each by its own id: joined, they were looked for among all of the cause one by one, wherever no statistics say how many those are.
  FOR n IN 1 .. cardinality(p_obligation_ids) LOOP
    UPDATE estop.obligations o SET final_probed_at = p_begun_at[n], last_error = NULL, next_try_at = NULL, asked_pause_ms = NULL, needs_human = NULL
      WHERE o.obligation_id = p_obligation_ids[n] AND (o.cause_id = cause) IS TRUE AND o.round = p_rounds[n] AND o.final_at IS NULL
        AND o.state IN ('proved', 'expired') AND p_begun_at[n] > last_cut;
    IF FOUND THEN taken := taken + 1; END IF;
  END LOOP;
  IF taken = 0 THEN RETURN 0; END IF;
  IF EXISTS (SELECT 1 FROM estop.obligations x
    WHERE x.cause_id = cause AND x.final_at IS NULL AND x.state <> 'residual' AND x.final_probed_at IS NULL) THEN RETURN taken; END IF;
  IF EXISTS (SELECT 1 FROM estop.obligations x
    WHERE x.cause_id = cause AND x.final_at IS NULL AND x.state <> 'residual' AND x.final_probed_at <= last_cut) THEN RETURN taken; END IF;
  UPDATE estop.obligations o SET final_at = clock_timestamp()
    WHERE o.cause_id = cause AND o.final_at IS NULL AND o.state IN ('proved', 'expired') AND o.final_probed_at > last_cut;
  RETURN taken;
END $$;

-- A named person accepts what cannot be made dead. Recorded for good.
CREATE FUNCTION estop.accept_risk(p_obligation_id text, p_actor text, p_reason text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  was text;
BEGIN
  IF coalesce(p_actor, '') = '' OR coalesce(p_reason, '') = '' THEN
    RAISE EXCEPTION 'a risk is accepted by a person, for a reason' USING ERRCODE = 'ES002';
  END IF;
  SELECT o.state INTO was FROM estop.obligations o WHERE o.obligation_id = p_obligation_id AND o.final_at IS NULL FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE estop.obligations SET state = 'accepted-risk', accepted_by = p_actor, last_error = left(p_reason, 2000), needs_human = NULL,
      next_try_at = NULL, asked_pause_ms = NULL, final_at = clock_timestamp()
    WHERE obligation_id = p_obligation_id;
  INSERT INTO estop.audit (kind, actor, subject, reason, before, after)
    VALUES ('obligation.accepted-risk', left(p_actor, 200), p_obligation_id, left(p_reason, 2000), jsonb_build_object('state', was), jsonb_build_object('state', 'accepted-risk'));
  RETURN true;
END $$;

-- Every obligation of this grant is final, and the last word was not that a person accepts it: then it may live, so the next stop
-- over it owes it an obligation again.
CREATE FUNCTION estop.is_finished_grant(p_grant_id text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN NOT EXISTS (SELECT 1 FROM estop.obligations o WHERE o.grant_id = p_grant_id AND o.final_at IS NULL)
    AND coalesce((SELECT o.state <> 'accepted-risk' FROM estop.obligations o WHERE o.grant_id = p_grant_id ORDER BY o.final_at DESC LIMIT 1), false);
END $$;

-- Ends them, and wipes what was sealed. They are held first and judged once more in a later statement: a stop that has begun to owe
-- one of them something meanwhile needs its secret for the probe.
CREATE FUNCTION estop.wipe_finished_grants() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  held text[];
  wiped integer;
BEGIN
  held := ARRAY(SELECT g.grant_id FROM estop.grants g
    WHERE g.state <> 'ended' AND EXISTS (SELECT 1 FROM estop.obligations o WHERE o.grant_id = g.grant_id AND o.final_at IS NOT NULL)
      AND NOT EXISTS (SELECT 1 FROM estop.obligations o WHERE o.grant_id = g.grant_id AND o.final_at IS NULL)
    FOR UPDATE OF g SKIP LOCKED);
  UPDATE estop.grants g SET state = 'ended', sealed = NULL, ended_at = clock_timestamp(), end_reason = coalesce(g.end_reason, 'revoked')
    WHERE g.grant_id = ANY (held) AND estop.is_finished_grant(g.grant_id);
  GET DIAGNOSTICS wiped = ROW_COUNT;
  RETURN wiped;
END $$;

-- How far a stop is, from the ledger alone. `uncovered` counts covered grants that have no obligation yet.
CREATE FUNCTION estop.revocation_state(p_stop_id text)
RETURNS TABLE (uncovered integer, total integer, acted integer, concluded integer, final integer, last_cut timestamptz, residual_until timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  s estop.stops%ROWTYPE;
  labelled text[];
BEGIN
  SELECT * INTO s FROM estop.stops x WHERE x.stop_id = p_stop_id;
  labelled := estop.labelled_agents(s.scope_key, s.epoch);
  RETURN QUERY SELECT (SELECT count(*)::integer FROM estop.grants g
      WHERE g.state <> 'ended' AND (g.keys @> ARRAY[s.scope_key] OR g.agents && labelled) AND (s.reset_at IS NULL OR g.epoch < s.epoch)
        -- NOT IN, because it is hashed: right after thousands of rows were written no statistics say that a loop would not do.
        AND g.grant_id NOT IN (SELECT o.grant_id FROM estop.obligations o WHERE o.cause_id = s.stop_id)),
    count(*)::integer,
    (count(*) FILTER (WHERE o.revoked_at IS NOT NULL OR o.final_at IS NOT NULL))::integer,
    (count(*) FILTER (WHERE o.state IN ('proved', 'expired', 'accepted-risk')))::integer,
    (count(*) FILTER (WHERE o.final_at IS NOT NULL))::integer,
    max(o.revoked_at), max(o.residual_until) FILTER (WHERE o.state = 'residual')
    FROM estop.obligations o WHERE o.cause_id = p_stop_id;
END $$;

-- Stages are stamped once, in the ledger, by whoever verified them, and only if the ledger itself does not say otherwise.
-- The evidence of a stop is that of its weakest obligation. rule: ledger-decides, halted-by-describe, stray-sweep
CREATE FUNCTION estop.mark_stage(p_stop_id text, p_stage text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  r record;
  weakest text;
BEGIN
  IF p_stage NOT IN ('halted', 'revoked', 'proved') THEN RAISE EXCEPTION 'no such stage' USING ERRCODE = 'ES002'; END IF;
  PERFORM 1 FROM estop.stop_progress p WHERE p.stop_id = p_stop_id FOR UPDATE;
  IF p_stage IN ('halted', 'proved') AND EXISTS (SELECT 1 FROM estop.covered_open_tasks(p_stop_id, 1)) THEN RETURN false; END IF;
  SELECT * INTO r FROM estop.revocation_state(p_stop_id);
  IF p_stage IN ('revoked', 'proved') AND (r.uncovered > 0 OR r.acted < r.total) THEN RETURN false; END IF;
  IF p_stage = 'proved' AND r.final < r.total THEN RETURN false; END IF;
  -- A lane without evidence of its own is one that ran out: the end that its issuer set is all there is.
  SELECT CASE WHEN bool_or(o.state = 'accepted-risk') THEN 'accepted-risk'
      WHEN bool_or(o.evidence = 'issuer-attested' OR o.evidence IS NULL) THEN 'issuer-attested'
      WHEN bool_or(o.evidence = 'credential-probed') THEN 'credential-probed' ELSE 'nothing-to-revoke' END
    INTO weakest FROM estop.obligations o WHERE o.cause_id = p_stop_id;
  UPDATE estop.stop_progress p SET
      halted_at = CASE WHEN p_stage = 'halted' THEN coalesce(p.halted_at, clock_timestamp()) ELSE p.halted_at END,
      revoked_at = CASE WHEN p_stage = 'revoked' THEN coalesce(p.revoked_at, clock_timestamp()) ELSE p.revoked_at END,
      proved_at = CASE WHEN p_stage = 'proved' THEN coalesce(p.proved_at, clock_timestamp()) ELSE p.proved_at END,
      evidence = CASE WHEN p_stage = 'proved' THEN weakest ELSE p.evidence END
    WHERE p.stop_id = p_stop_id AND (p_stage <> 'proved'
      OR (p.fenced_at IS NOT NULL AND p.halted_at IS NOT NULL AND p.revoked_at IS NOT NULL AND p.sweeps_done >= 2));
  RETURN FOUND;
END $$;

-- One sweep over visibility is done: the one after so many. An attempt whose answer was lost is the same sweep, counted once, or two
-- attempts in a row would pass for two sweeps with a gap between them. p_agents: whom it looked for by their labels.
-- rule: stray-sweep
CREATE FUNCTION estop.mark_sweep(p_stop_id text, p_after integer, p_agents text[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE estop.stop_progress p SET sweeps_done = p.sweeps_done + 1, swept_agents = CASE WHEN p_after = 0 THEN p_agents ELSE p.swept_agents END
    WHERE p.stop_id = p_stop_id AND p.sweeps_done = p_after;
  RETURN FOUND;
END $$;
