-- The latch, the reset and the rule that decides who is dead. Reviewed against test/model (a1_latch, a3_small).

-- The newest epoch: of a stop or of a reset, whichever is higher. Inlined by the planner where it is called in a statement.
CREATE FUNCTION estop.current_epoch() RETURNS bigint
LANGUAGE sql STABLE AS $$
  SELECT greatest(
    coalesce((SELECT max(epoch) FROM estop.stops), 0),
    coalesce((SELECT max(reset_epoch) FROM estop.stops), 0))
$$;

-- The stop that kills a credential, or null. SQL twin of core/credential.ts `deadBy`, plus labels as of now.
-- STABLE: it sees what its calling statement sees, so the caller decides WHEN by giving it a statement of its own.
-- rule: dead-iff-in-force-or-younger
CREATE FUNCTION estop.dead_by(p_keys text[], p_agents text[], p_epoch bigint) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT s.stop_id FROM estop.stops s
  WHERE s.scope_key = ANY (p_keys || ARRAY(SELECT l.label_key FROM estop.agent_labels l WHERE l.agent_id = ANY (p_agents)))
    AND (s.reset_at IS NULL OR s.epoch > p_epoch)
    AND (s.scope_key = ANY (p_keys) OR EXISTS (
      SELECT 1 FROM estop.agent_labels l
      WHERE l.agent_id = ANY (p_agents) AND l.label_key = s.scope_key
        AND (l.removed_epoch IS NULL OR l.removed_epoch >= s.epoch)))
  ORDER BY s.epoch LIMIT 1
$$;

-- Locks: one advisory lock that only latch and reset take, and ROW EXCLUSIVE on stops. Constant size, one autocommit call.
-- The lock is taken in a statement BEFORE the one that reads the epoch: under READ COMMITTED the second statement has a newer
-- snapshot, so epochs are in commit order. A null stop id is a beat: the same lock, the same read and the same table lock, but
-- it leaves a mark instead of a stop. rule: latch-two-statements, one-autocommit-call, beat, caller-mints-stop-id
CREATE FUNCTION estop.latch(
  p_stop_id text, p_scope_key text, p_category smallint, p_grace_ms integer, p_reason text, p_actor text, p_method text
) RETURNS TABLE (stop_id text, epoch bigint, scope_key text, category smallint, latched_at timestamptz, fresh boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  next_epoch bigint;
  inserted estop.stops%ROWTYPE;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'latch needs READ COMMITTED' USING ERRCODE = 'ES001';
  END IF;
  PERFORM pg_advisory_xact_lock(1163088975, 1);
  IF p_stop_id IS NULL THEN
    LOCK TABLE estop.stops IN ROW EXCLUSIVE MODE;
    next_epoch := estop.current_epoch() + 1;
    INSERT INTO estop.latch_marks AS m (process, beat_at) VALUES (p_actor, clock_timestamp())
      ON CONFLICT (process) DO UPDATE SET beat_at = excluded.beat_at;
    RETURN QUERY SELECT NULL::text, next_epoch - 1, NULL::text, NULL::smallint, clock_timestamp(), false;
    RETURN;
  END IF;
  RETURN QUERY SELECT s.stop_id, s.epoch, s.scope_key, s.category, s.latched_at, false FROM estop.stops s WHERE s.stop_id = p_stop_id;
  IF FOUND THEN RETURN; END IF;
  next_epoch := estop.current_epoch() + 1;
  INSERT INTO estop.stops (stop_id, epoch, scope_key, category, grace_ms, reason, actor, method)
    VALUES (p_stop_id, next_epoch, p_scope_key, p_category, p_grace_ms, p_reason, p_actor, p_method)
    RETURNING * INTO inserted;
  RETURN QUERY SELECT inserted.stop_id, inserted.epoch, inserted.scope_key, inserted.category, inserted.latched_at, true;
END $$;

-- Unlatches ONE stop by its own id, under the latch's lock, with an epoch of its own, so that nothing issued before is revived.
-- Refused until fenced. Other stops over the same scope stay. rule: reset-needs-fenced, reset-takes-next-epoch
CREATE FUNCTION estop.reset(p_stop_id text, p_actor text, p_reason text)
RETURNS TABLE (outcome text, epoch bigint, reset_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  found estop.stops%ROWTYPE;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'reset needs READ COMMITTED' USING ERRCODE = 'ES001';
  END IF;
  PERFORM pg_advisory_xact_lock(1163088975, 1);
  SELECT * INTO found FROM estop.stops s WHERE s.stop_id = p_stop_id;
  IF found.stop_id IS NULL THEN
    RETURN QUERY SELECT 'unknown'::text, NULL::bigint, NULL::timestamptz;
    RETURN;
  END IF;
  IF found.reset_at IS NOT NULL THEN
    RETURN QUERY SELECT 'already-reset'::text, found.reset_epoch, found.reset_at;
    RETURN;
  END IF;
  IF NOT EXISTS (SELECT 1 FROM estop.stop_progress p WHERE p.stop_id = p_stop_id AND p.fenced_at IS NOT NULL) THEN
    RETURN QUERY SELECT 'not-fenced'::text, NULL::bigint, NULL::timestamptz;
    RETURN;
  END IF;
  RETURN QUERY UPDATE estop.stops AS s
    SET reset_epoch = estop.current_epoch() + 1, reset_at = clock_timestamp(), reset_by = p_actor, reset_reason = p_reason
    WHERE s.stop_id = p_stop_id
    RETURNING 'reset'::text, s.reset_epoch, s.reset_at;
END $$;
