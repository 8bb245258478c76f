-- The latch, the reset and the rule that decides who is dead. Reviewed against test/model (a1_latch, a3_small).
-- Readers are STABLE plpgsql: they see what their calling statement sees (so the caller decides WHEN by giving the check a
-- statement of its own), and their plans are cached, which those of SQL functions are not.

-- The newest epoch: of a stop or of a reset, whichever is higher.
CREATE FUNCTION estop.current_epoch() RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN greatest(
    coalesce((SELECT max(epoch) FROM estop.stops), 0),
    coalesce((SELECT max(reset_epoch) FROM estop.stops), 0));
END $$;

-- The agents that a stop on a label reaches by their labels NOW: a removed label still counts against stops latched before it
-- was removed. Empty for every other scope. rule: label-as-of-mint-or-now, no-relabel-out
CREATE FUNCTION estop.labelled_agents(p_scope_key text, p_epoch bigint) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN ARRAY(SELECT l.agent_id FROM estop.agent_labels l
    WHERE l.label_key = p_scope_key AND (l.removed_epoch IS NULL OR l.removed_epoch >= p_epoch) ORDER BY 1);
END $$;

-- The stop that kills a credential, or null. SQL twin of core/credential.ts `deadBy`, plus labels as of now. What is missing
-- counts as oldest. rule: dead-iff-in-force-or-younger
CREATE FUNCTION estop.dead_by(p_keys text[], p_agents text[], p_epoch bigint) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN (SELECT s.stop_id FROM estop.stops s
    WHERE s.scope_key = ANY (p_keys || ARRAY(SELECT l.label_key FROM estop.agent_labels l WHERE l.agent_id = ANY (p_agents)))
      AND (s.reset_at IS NULL OR s.epoch > coalesce(p_epoch, 0)) IS TRUE -- so that it is no way into the table: all stops in force would be read
      AND (s.scope_key = ANY (p_keys) OR EXISTS (
        SELECT 1 FROM estop.agent_labels l
        WHERE l.agent_id = ANY (p_agents) AND l.label_key = s.scope_key
          AND (l.removed_epoch IS NULL OR l.removed_epoch >= s.epoch)))
    ORDER BY s.epoch LIMIT 1);
END $$;

-- Whatever the caller's session says, this transaction's commit waits for the disk, and for the synchronous standby if there is one.
CREATE FUNCTION estop.commit_durably() RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF pg_catalog.current_setting('synchronous_commit') IN ('off', 'local') THEN
    PERFORM pg_catalog.set_config('synchronous_commit', 'on', true);
  END IF;
END $$;

-- Locks: the one row of latch_order, which only latch and reset lock, and ROW EXCLUSIVE on stops. Constant size, one autocommit
-- call. The row is locked in a statement BEFORE the one that reads the epoch: under READ COMMITTED the second statement has a
-- newer snapshot, so epochs are in commit order. Neither id nor scope is a beat: the same lock, the same read and the same table
-- lock, but it leaves a mark instead of a stop. Odd arguments are mended, not refused, wherever that leaves a stop in force.
-- rule: latch-two-statements, epoch-commit-order, latch-no-foreign-locks, one-autocommit-call, beat, caller-mints-stop-id
CREATE FUNCTION estop.latch(
  p_stop_id text, p_scope_key text, p_category smallint, p_grace_ms integer, p_reason text, p_actor text, p_method text, p_trace text DEFAULT NULL,
  p_trace_state text DEFAULT NULL
) RETURNS TABLE (stop_id text, epoch bigint, scope_key text, category smallint, latched_at timestamptz, fresh boolean, reset_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  begun timestamptz := clock_timestamp();
  next_epoch bigint;
  inserted estop.stops%ROWTYPE;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'latch needs READ COMMITTED' USING ERRCODE = 'ES001';
  END IF;
  IF (p_stop_id IS NULL) <> (p_scope_key IS NULL) OR length(p_stop_id) NOT BETWEEN 1 AND 128 THEN
    RAISE EXCEPTION 'a stop needs an id and a scope key' USING ERRCODE = 'ES002';
  END IF;
  IF length(p_scope_key) > 256 OR p_scope_key !~ '^(fleet|(agent|task|tool|connector|model|label):[^[:space:][:cntrl:]]+)$' THEN
    RAISE EXCEPTION 'not a scope key' USING ERRCODE = 'ES002';
  END IF;
  PERFORM estop.commit_durably();
  PERFORM 1 FROM estop.latch_order FOR UPDATE;
  -- A store restored without that row still orders its stops, if less cheaply.
  IF NOT FOUND THEN LOCK TABLE estop.stops IN SHARE ROW EXCLUSIVE MODE; END IF;
  IF p_stop_id IS NULL THEN
    LOCK TABLE estop.stops IN ROW EXCLUSIVE MODE;
    next_epoch := estop.current_epoch() + 1;
    -- As of its beginning: whoever sent it may be dead by the time the lock is won.
    INSERT INTO estop.latch_marks AS m (process, beat_at) VALUES (coalesce(p_actor, 'unnamed'), begun)
      ON CONFLICT (process) DO UPDATE SET beat_at = excluded.beat_at;
    RETURN QUERY SELECT NULL::text, next_epoch - 1, NULL::text, NULL::smallint, clock_timestamp(), false, NULL::timestamptz;
    RETURN;
  END IF;
  -- A repeat of what was reset since puts nothing in force: whoever answers it must say so.
  RETURN QUERY SELECT s.stop_id, s.epoch, s.scope_key, s.category, s.latched_at, false, s.reset_at FROM estop.stops s WHERE s.stop_id = p_stop_id;
  IF FOUND THEN RETURN; END IF;
  next_epoch := estop.current_epoch() + 1;
  INSERT INTO estop.stops (stop_id, epoch, scope_key, category, grace_ms, reason, actor, method, trace, trace_state)
    VALUES (p_stop_id, next_epoch, p_scope_key, CASE WHEN p_category = 1 THEN 1 ELSE 0 END,
      CASE WHEN p_category = 1 THEN least(greatest(coalesce(p_grace_ms, 0), 0), 60000) ELSE 0 END,
      left(coalesce(p_reason, ''), 2000), left(coalesce(p_actor, 'unnamed'), 200), left(coalesce(p_method, 'unnamed'), 40),
      CASE WHEN length(p_trace) = 55 AND p_trace ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$' THEN p_trace END,
      CASE WHEN length(p_trace) = 55 AND p_trace ~ '^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$' AND octet_length(p_trace_state) <= 512
        AND p_trace_state ~ '^[a-z0-9][ -~]*$' THEN p_trace_state END)
    RETURNING * INTO inserted;
  RETURN QUERY SELECT inserted.stop_id, inserted.epoch, inserted.scope_key, inserted.category, inserted.latched_at, true, NULL::timestamptz;
END $$;

-- Unlatches ONE stop by its own id, under the latch's lock, with an epoch of its own, so that nothing issued before is revived.
-- Refused until fenced; the fleet needs two people within 15 minutes; p_names: every name that this person goes by. Other stops over the same scope stay. Whatever is read from
-- other tables is read BEFORE the lock (fenced_at never goes back), so that nobody's lock on those can make a stop wait.
-- rule: reset-needs-fenced, reset-takes-next-epoch
CREATE FUNCTION estop.reset(p_stop_id text, p_actor text, p_reason text, p_names text[] DEFAULT '{}')
RETURNS TABLE (outcome text, epoch bigint, reset_at timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  target estop.stops%ROWTYPE;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'reset needs READ COMMITTED' USING ERRCODE = 'ES001';
  END IF;
  IF coalesce(p_actor, '') = '' OR coalesce(p_reason, '') = '' THEN
    RAISE EXCEPTION 'a reset needs a person and a reason' USING ERRCODE = 'ES002';
  END IF;
  SELECT * INTO target FROM estop.stops s WHERE s.stop_id = p_stop_id;
  IF target.stop_id IS NULL THEN
    RETURN QUERY SELECT 'unknown'::text, NULL::bigint, NULL::timestamptz;
    RETURN;
  END IF;
  IF target.reset_at IS NULL AND NOT EXISTS (SELECT 1 FROM estop.stop_progress p WHERE p.stop_id = p_stop_id AND p.fenced_at IS NOT NULL) THEN
    RETURN QUERY SELECT 'not-fenced'::text, NULL::bigint, NULL::timestamptz;
    RETURN;
  END IF;
  IF target.reset_at IS NULL AND target.scope_key = 'fleet' THEN
    INSERT INTO estop.reset_consents AS c (stop_id, actor, reason) VALUES (p_stop_id, p_actor, left(p_reason, 2000))
      ON CONFLICT (stop_id, actor) DO UPDATE SET at = clock_timestamp(), reason = excluded.reason, elapsed_at = NULL;
    INSERT INTO estop.audit (kind, actor, subject, reason, before, after) VALUES ('stop.reset-wanted', left(p_actor, 200), p_stop_id, left(p_reason, 2000),
      '{"inForce": true}', jsonb_build_object('inForce', true, 'wantedBy', p_actor));
    IF NOT EXISTS (SELECT 1 FROM estop.reset_consents c
      WHERE c.stop_id = p_stop_id AND NOT EXISTS (SELECT 1 FROM unnest(p_names || p_actor) n WHERE lower(n) = lower(c.actor)) AND c.at > clock_timestamp() - interval '15 minutes'
        -- Nor one of the future, which was said before the clock went back.
        AND c.at <= clock_timestamp() AND c.elapsed_at IS NULL) THEN
      RETURN QUERY SELECT 'needs-second-person'::text, NULL::bigint, NULL::timestamptz;
      RETURN;
    END IF;
  END IF;
  PERFORM 1 FROM estop.latch_order FOR UPDATE;
  IF NOT FOUND THEN LOCK TABLE estop.stops IN SHARE ROW EXCLUSIVE MODE; END IF;
  RETURN QUERY UPDATE estop.stops AS s
    SET reset_epoch = estop.current_epoch() + 1, reset_at = clock_timestamp(), reset_by = left(p_actor, 200), reset_reason = left(p_reason, 2000),
      reset_method = estop.method_now()
    WHERE s.stop_id = p_stop_id AND s.reset_at IS NULL
    RETURNING 'reset'::text, s.reset_epoch, s.reset_at;
  IF FOUND THEN RETURN; END IF;
  RETURN QUERY SELECT 'already-reset'::text, s.reset_epoch, s.reset_at FROM estop.stops s WHERE s.stop_id = p_stop_id;
END $$;
