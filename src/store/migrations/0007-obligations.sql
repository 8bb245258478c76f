-- What a stop (or a task's end) must make dead, and how far that is. The ledger alone decides what is done.
-- Reviewed against test/model (b1_mint, b2_prove, c2_reconcile).

-- Opens an obligation for every covered grant that is not ended and has none. Polled until the stop is proved, never read once.
-- rule: obligations-polled, intended-grants-covered
CREATE FUNCTION estop.open_obligations(p_stop_id text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  opened integer;
BEGIN
  INSERT INTO estop.obligations (obligation_id, cause_id, stop_id, cause_epoch, grant_id, agent_id, task_id, connector, target, state)
    SELECT s.stop_id || '/' || g.grant_id, s.stop_id, s.stop_id, s.epoch, g.grant_id, g.agent_id, g.task_id, g.connector, g.target, 'open'
    FROM estop.stops s JOIN estop.grants g ON g.state <> 'ended' AND g.epoch < s.epoch
    WHERE s.stop_id = p_stop_id
      AND (g.keys @> ARRAY[s.scope_key] OR EXISTS (
        SELECT 1 FROM estop.agent_labels l WHERE l.label_key = s.scope_key AND l.agent_id = ANY (g.agents)
          AND (l.removed_epoch IS NULL OR l.removed_epoch >= s.epoch)))
    ON CONFLICT (cause_id, grant_id) DO NOTHING;
  GET DIAGNOSTICS opened = ROW_COUNT;
  RETURN opened;
END $$;

-- A task that ended in any way, also terminated by others, has its grants ended the same way. A grant that a stop already works
-- off is left to that stop.
CREATE FUNCTION estop.open_end_obligations() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  opened integer;
BEGIN
  INSERT INTO estop.obligations (obligation_id, cause_id, stop_id, cause_epoch, grant_id, agent_id, task_id, connector, target, state)
    SELECT 'end:' || g.task_id || '/' || g.grant_id, 'end:' || g.task_id, NULL, estop.current_epoch(), g.grant_id, g.agent_id, g.task_id,
      g.connector, g.target, 'open'
    FROM estop.grants g JOIN estop.tasks t ON t.task_id = g.task_id AND t.state = 'closed'
    WHERE g.state <> 'ended' AND estop.dead_by(g.keys, g.agents, g.epoch) IS NULL
      AND NOT EXISTS (SELECT 1 FROM estop.obligations o WHERE o.grant_id = g.grant_id AND o.final_at IS NULL)
    ON CONFLICT (cause_id, grant_id) DO NOTHING;
  GET DIAGNOSTICS opened = ROW_COUNT;
  RETURN opened;
END $$;

-- Begins one attempt of one phase. A phase whose result stands is not run again: the stored result is the answer.
-- rule: idempotent-by-obligation-phase
CREATE FUNCTION estop.begin_phase(p_obligation_id text, p_phase text, p_round integer)
RETURNS TABLE (done boolean, result jsonb, attempts integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO estop.obligation_phases AS p (obligation_id, phase, round, attempts) VALUES (p_obligation_id, p_phase, p_round, 1)
    ON CONFLICT (obligation_id, phase, round) DO UPDATE SET attempts = p.attempts + CASE WHEN p.done_at IS NULL THEN 1 ELSE 0 END;
  UPDATE estop.obligations o SET phase = p_phase, attempts = o.attempts + 1
    WHERE o.obligation_id = p_obligation_id AND EXISTS (
      SELECT 1 FROM estop.obligation_phases p WHERE p.obligation_id = p_obligation_id AND p.phase = p_phase AND p.round = p_round AND p.done_at IS NULL);
  RETURN QUERY SELECT p.done_at IS NOT NULL, p.result, p.attempts FROM estop.obligation_phases p
    WHERE p.obligation_id = p_obligation_id AND p.phase = p_phase AND p.round = p_round;
END $$;

CREATE FUNCTION estop.end_phase(p_obligation_id text, p_phase text, p_round integer, p_result jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE estop.obligation_phases p SET result = p_result, done_at = clock_timestamp()
    WHERE p.obligation_id = p_obligation_id AND p.phase = p_phase AND p.round = p_round AND p.done_at IS NULL;
  UPDATE estop.obligations o SET last_error = NULL, next_try_at = NULL WHERE o.obligation_id = p_obligation_id;
END $$;

-- A failed attempt is a label on an OPEN obligation; it never ends one.
CREATE FUNCTION estop.note_attempt_failed(p_obligation_id text, p_error text, p_next_try_at timestamptz, p_needs_human text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.obligations SET last_error = p_error, next_try_at = p_next_try_at, needs_human = coalesce(p_needs_human, needs_human)
  WHERE obligation_id = p_obligation_id AND final_at IS NULL
$$;

-- All cutting phases are done; what comes next is proof.
CREATE FUNCTION estop.mark_revoked(p_obligation_id text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.obligations SET revoked_at = clock_timestamp(), phase = 'probe' WHERE obligation_id = p_obligation_id AND revoked_at IS NULL
$$;

-- The lane's own verdict. `final` at once where no stop demands a last probe. The sealed credential is kept until the final
-- probe has used it, then wiped (wipe_proved_grants).
CREATE FUNCTION estop.conclude_obligation(
  p_obligation_id text, p_state text, p_evidence text, p_residual_until timestamptz, p_residual_why text
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE estop.obligations o SET state = p_state, evidence = coalesce(p_evidence, o.evidence),
      proved_at = CASE WHEN p_state IN ('proved', 'expired') THEN clock_timestamp() ELSE o.proved_at END,
      residual_until = coalesce(p_residual_until, o.residual_until), residual_why = coalesce(p_residual_why, o.residual_why),
      last_error = NULL, next_try_at = NULL,
      final_at = CASE WHEN o.stop_id IS NULL AND p_state IN ('proved', 'expired') THEN clock_timestamp() ELSE o.final_at END
    WHERE o.obligation_id = p_obligation_id AND o.final_at IS NULL AND o.state IN ('open', 'residual');
END $$;

-- A final probe found it alive: the lane is opened again, in a new round. rule: final-probe
CREATE FUNCTION estop.reopen_obligation(p_obligation_id text, p_why text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.obligations SET state = 'open', revoked_at = NULL, proved_at = NULL, last_error = p_why, phase = NULL
  WHERE obligation_id = p_obligation_id AND final_at IS NULL
$$;

CREATE FUNCTION estop.mark_final(p_obligation_id text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.obligations SET final_at = clock_timestamp() WHERE obligation_id = p_obligation_id AND final_at IS NULL
    AND state IN ('proved', 'expired')
$$;

-- A named person accepts what cannot be made dead. Recorded for good.
CREATE FUNCTION estop.accept_risk(p_obligation_id text, p_actor text, p_reason text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE estop.obligations SET state = 'accepted-risk', accepted_by = p_actor, last_error = p_reason, final_at = clock_timestamp()
    WHERE obligation_id = p_obligation_id AND final_at IS NULL;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO estop.audit (kind, actor, subject, detail) VALUES ('obligation.accepted-risk', p_actor, p_obligation_id, jsonb_build_object('reason', p_reason));
  RETURN true;
END $$;

-- Ends grants whose every obligation is final, and wipes what was sealed.
CREATE FUNCTION estop.wipe_finished_grants() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  wiped integer;
BEGIN
  UPDATE estop.grants g SET state = 'ended', sealed = NULL, ended_at = clock_timestamp(), end_reason = coalesce(g.end_reason, 'revoked')
    WHERE g.state <> 'ended'
      AND EXISTS (SELECT 1 FROM estop.obligations o WHERE o.grant_id = g.grant_id AND o.final_at IS NOT NULL)
      AND NOT EXISTS (SELECT 1 FROM estop.obligations o WHERE o.grant_id = g.grant_id AND o.final_at IS NULL);
  GET DIAGNOSTICS wiped = ROW_COUNT;
  RETURN wiped;
END $$;

-- How far a stop is, from the ledger alone.
CREATE FUNCTION estop.revocation_state(p_stop_id text)
RETURNS TABLE (uncovered integer, total integer, acted integer, concluded integer, final integer, last_cut timestamptz, residual_until timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT (SELECT count(*)::integer FROM estop.stops s JOIN estop.grants g ON g.state <> 'ended' AND g.epoch < s.epoch
      WHERE s.stop_id = p_stop_id
        AND (g.keys @> ARRAY[s.scope_key] OR EXISTS (
          SELECT 1 FROM estop.agent_labels l WHERE l.label_key = s.scope_key AND l.agent_id = ANY (g.agents)
            AND (l.removed_epoch IS NULL OR l.removed_epoch >= s.epoch)))
        AND NOT EXISTS (SELECT 1 FROM estop.obligations o WHERE o.cause_id = s.stop_id AND o.grant_id = g.grant_id)),
    count(*)::integer,
    (count(*) FILTER (WHERE o.revoked_at IS NOT NULL OR o.state <> 'open'))::integer,
    (count(*) FILTER (WHERE o.state IN ('proved', 'expired', 'accepted-risk')))::integer,
    (count(*) FILTER (WHERE o.final_at IS NOT NULL))::integer,
    max(o.revoked_at), max(o.residual_until) FILTER (WHERE o.state = 'residual')
  FROM estop.obligations o WHERE o.cause_id = p_stop_id
$$;

-- Stages are stamped once, in the ledger, by whoever verified them.
CREATE FUNCTION estop.mark_stage(p_stop_id text, p_stage text, p_evidence text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  CASE p_stage
    WHEN 'halted' THEN UPDATE estop.stop_progress SET halted_at = clock_timestamp() WHERE stop_id = p_stop_id AND halted_at IS NULL;
    WHEN 'revoked' THEN UPDATE estop.stop_progress SET revoked_at = clock_timestamp() WHERE stop_id = p_stop_id AND revoked_at IS NULL;
    WHEN 'proved' THEN UPDATE estop.stop_progress SET proved_at = clock_timestamp(), evidence = p_evidence
      WHERE stop_id = p_stop_id AND proved_at IS NULL AND fenced_at IS NOT NULL AND halted_at IS NOT NULL AND revoked_at IS NOT NULL;
    WHEN 'sweep' THEN UPDATE estop.stop_progress SET sweeps_done = sweeps_done + 1 WHERE stop_id = p_stop_id;
  END CASE;
END $$;
