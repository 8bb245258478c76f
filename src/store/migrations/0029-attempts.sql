-- Attempts at the steps of a lane. Behind the roles, so that nobody may execute what is not granted here.

-- Begins one attempt of one phase. A phase whose result stands is not run again: the stored result is the answer. begun_at is this
-- database's time, before the attempt: mark_final compares it with the last cut. put_off_ms: nothing is begun, because its system asked
-- to be left alone for so long yet; whoever takes a lane on, after its crowd, its run or its worker was lost, has not heard that itself.
-- rule: idempotent-by-obligation-phase
CREATE FUNCTION estop.begin_phase(p_obligation_id text, p_phase text, p_round integer)
RETURNS TABLE (done boolean, result jsonb, attempts integer, begun_at timestamptz, put_off_ms integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  lane estop.obligations%ROWTYPE;
  seen timestamptz := clock_timestamp();
  latest timestamptz;
BEGIN
  SELECT * INTO lane FROM estop.obligations o WHERE o.obligation_id = p_obligation_id;
  IF NOT FOUND THEN RETURN; END IF;
  IF lane.asked_pause_ms IS NOT NULL AND lane.next_try_at > seen AND NOT EXISTS (SELECT 1 FROM estop.obligation_phases p
    WHERE p.obligation_id = p_obligation_id AND p.phase = p_phase AND p.round = p_round AND p.done_at IS NOT NULL) THEN
    -- A clock that went back meanwhile costs no more than the pause once again.
    latest := least(lane.next_try_at, seen + make_interval(secs => lane.asked_pause_ms / 1000.0));
    UPDATE estop.obligations o SET next_try_at = latest WHERE o.obligation_id = p_obligation_id AND o.next_try_at > latest;
    RETURN QUERY SELECT false, NULL::jsonb, 0, seen, ceil(extract(epoch FROM latest - seen) * 1000)::integer;
    RETURN;
  END IF;
  INSERT INTO estop.obligation_phases AS p (obligation_id, phase, round, attempts) VALUES (p_obligation_id, p_phase, p_round, 1)
    ON CONFLICT (obligation_id, phase, round) DO UPDATE SET attempts = p.attempts + 1, begun_at = clock_timestamp() WHERE p.done_at IS NULL;
  UPDATE estop.obligations o SET phase = p_phase, attempts = o.attempts + 1
    WHERE o.obligation_id = p_obligation_id AND o.final_at IS NULL AND EXISTS (
      SELECT 1 FROM estop.obligation_phases p WHERE p.obligation_id = p_obligation_id AND p.phase = p_phase AND p.round = p_round AND p.done_at IS NULL);
  RETURN QUERY SELECT p.done_at IS NOT NULL, p.result, p.attempts, p.begun_at, NULL::integer FROM estop.obligation_phases p
    WHERE p.obligation_id = p_obligation_id AND p.phase = p_phase AND p.round = p_round;
END $$;

CREATE FUNCTION estop.end_phase(p_obligation_id text, p_phase text, p_round integer, p_result jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE estop.obligation_phases p SET result = p_result, done_at = clock_timestamp()
    WHERE p.obligation_id = p_obligation_id AND p.phase = p_phase AND p.round = p_round AND p.done_at IS NULL;
  IF NOT FOUND THEN RETURN; END IF;
  UPDATE estop.obligations o SET last_error = NULL, next_try_at = NULL, asked_pause_ms = NULL, needs_human = NULL
    WHERE o.obligation_id = p_obligation_id AND o.final_at IS NULL;
END $$;

-- A failed attempt is a label on an OPEN obligation; it never ends one. What was asked of a lane that somebody else has moved on since
-- says nothing of it any more: a cut that another process has done and proved meanwhile, or one of an older round. Of a lane that is
-- proved only its last probe can fail.
CREATE FUNCTION estop.note_attempt_failed(
  p_obligation_id text, p_round integer, p_was_proved boolean, p_error text, p_pause_ms integer, p_pause_asked boolean, p_needs_human text
) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.obligations SET last_error = left(p_error, 2000), next_try_at = clock_timestamp() + make_interval(secs => p_pause_ms / 1000.0),
    asked_pause_ms = CASE WHEN p_pause_asked THEN p_pause_ms END, needs_human = coalesce(left(p_needs_human, 2000), needs_human)
  WHERE obligation_id = p_obligation_id AND round = p_round AND final_at IS NULL AND (state IN ('proved', 'expired')) = p_was_proved
$$;

-- The label alone, on those of these lanes that are open without one and have failed at least once, or have waited for their turn for
-- very long; which these are. So is one that is watched, where its watch fails: nobody sees then whether it ends. What somebody is just
-- moving on is passed over.
CREATE FUNCTION estop.label_needs_human(p_obligation_ids text[], p_why text, p_waited_ms integer) RETURNS TABLE (obligation_id text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.obligations o SET needs_human = left(p_why, 2000) WHERE o.obligation_id IN (
    SELECT x.obligation_id FROM estop.obligations x
    WHERE x.obligation_id = ANY (p_obligation_ids) AND x.final_at IS NULL AND x.state IN ('open', 'residual') AND x.needs_human IS NULL
      AND (x.last_error IS NOT NULL OR x.state = 'open' AND x.opened_at < clock_timestamp() - make_interval(secs => p_waited_ms / 1000.0))
    FOR NO KEY UPDATE SKIP LOCKED)
  RETURNING o.obligation_id
$$;

GRANT EXECUTE ON FUNCTION
  estop.begin_phase(text, text, integer), estop.end_phase(text, text, integer, jsonb),
  estop.note_attempt_failed(text, integer, boolean, text, integer, boolean, text), estop.label_needs_human(text[], text, integer)
  TO estop_revoker;
