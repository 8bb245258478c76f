-- Attempts at the steps of a lane. Behind the roles, so that nobody may execute what is not granted here.

-- Begins one attempt of one phase. A phase whose result stands is not run again: the stored result is the answer. begun_at is this
-- database's time, before the attempt: mark_final compares it with the last cut. rule: idempotent-by-obligation-phase
CREATE FUNCTION estop.begin_phase(p_obligation_id text, p_phase text, p_round integer)
RETURNS TABLE (done boolean, result jsonb, attempts integer, begun_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT 1 FROM estop.obligations o WHERE o.obligation_id = p_obligation_id) THEN RETURN; END IF;
  INSERT INTO estop.obligation_phases AS p (obligation_id, phase, round, attempts) VALUES (p_obligation_id, p_phase, p_round, 1)
    ON CONFLICT (obligation_id, phase, round) DO UPDATE SET attempts = p.attempts + 1, begun_at = clock_timestamp() WHERE p.done_at IS NULL;
  UPDATE estop.obligations o SET phase = p_phase, attempts = o.attempts + 1
    WHERE o.obligation_id = p_obligation_id AND o.final_at IS NULL AND EXISTS (
      SELECT 1 FROM estop.obligation_phases p WHERE p.obligation_id = p_obligation_id AND p.phase = p_phase AND p.round = p_round AND p.done_at IS NULL);
  RETURN QUERY SELECT p.done_at IS NOT NULL, p.result, p.attempts, p.begun_at FROM estop.obligation_phases p
    WHERE p.obligation_id = p_obligation_id AND p.phase = p_phase AND p.round = p_round;
END $$;

CREATE FUNCTION estop.end_phase(p_obligation_id text, p_phase text, p_round integer, p_result jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE estop.obligation_phases p SET result = p_result, done_at = clock_timestamp()
    WHERE p.obligation_id = p_obligation_id AND p.phase = p_phase AND p.round = p_round AND p.done_at IS NULL;
  IF NOT FOUND THEN RETURN; END IF;
  UPDATE estop.obligations o SET last_error = NULL, next_try_at = NULL, needs_human = NULL
    WHERE o.obligation_id = p_obligation_id AND o.final_at IS NULL;
END $$;

-- A failed attempt is a label on an OPEN obligation; it never ends one.
CREATE FUNCTION estop.note_attempt_failed(p_obligation_id text, p_error text, p_next_try_at timestamptz, p_needs_human text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.obligations SET last_error = left(p_error, 2000), next_try_at = p_next_try_at, needs_human = coalesce(left(p_needs_human, 2000), needs_human)
  WHERE obligation_id = p_obligation_id AND final_at IS NULL
$$;

-- The label alone, on those of these lanes that are open without one and have failed at least once, or have waited for their turn for
-- very long; which these are. What somebody is just moving on is passed over.
CREATE FUNCTION estop.label_needs_human(p_obligation_ids text[], p_why text, p_waited_ms integer) RETURNS TABLE (obligation_id text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.obligations o SET needs_human = left(p_why, 2000) WHERE o.obligation_id IN (
    SELECT x.obligation_id FROM estop.obligations x
    WHERE x.obligation_id = ANY (p_obligation_ids) AND x.final_at IS NULL AND x.state = 'open' AND x.needs_human IS NULL
      AND (x.last_error IS NOT NULL OR x.opened_at < clock_timestamp() - make_interval(secs => p_waited_ms / 1000.0))
    FOR NO KEY UPDATE SKIP LOCKED)
  RETURNING o.obligation_id
$$;

GRANT EXECUTE ON FUNCTION
  estop.begin_phase(text, text, integer), estop.end_phase(text, text, integer, jsonb),
  estop.note_attempt_failed(text, text, timestamptz, text), estop.label_needs_human(text[], text, integer)
  TO estop_revoker;
