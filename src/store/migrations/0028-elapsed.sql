-- What was once seen to be over stays over, whatever a clock says later: a step of the time server, or a failover to a machine that is
-- behind, gives nothing back that had elapsed. Of approvals that is close_stale_approvals. A stop asks none of this: who may stop goes
-- by the clock alone (stop_rights), and `elapsed_at` is read by what allows something, and by nothing else.

ALTER TABLE estop.reset_consents ADD COLUMN elapsed_at timestamptz;
-- Looked through every second: what is over must cost nothing.
CREATE INDEX elevations_live ON estop.elevations (ends_at) WHERE ended_at IS NULL AND elapsed_at IS NULL;
CREATE INDEX sign_ins_live ON estop.sign_ins (ends_at) WHERE ended_at IS NULL AND elapsed_at IS NULL;
CREATE INDEX api_tokens_live ON estop.api_tokens (expires_at) WHERE revoked_at IS NULL AND elapsed_at IS NULL;
CREATE INDEX login_links_live ON estop.login_links (expires_at) WHERE used_at IS NULL AND elapsed_at IS NULL;

-- Every second, by the relay. Rows that somebody works on are left to the next second, and so is what is more than a second has room
-- for: after a long rest, or in a flood, one look at all of it would take longer than it may, and nothing would ever be noted.
CREATE FUNCTION estop.note_elapsed() RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  moment timestamptz := clock_timestamp();
  most constant integer := 5000;
  noted integer;
  seen integer;
BEGIN
  UPDATE estop.elevations e SET elapsed_at = moment WHERE e.elevation_id IN (SELECT x.elevation_id FROM estop.elevations x
    WHERE x.elapsed_at IS NULL AND x.ended_at IS NULL AND coalesce(x.ends_at, x.asked_at + interval '15 minutes') <= moment LIMIT most FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS noted = ROW_COUNT;
  UPDATE estop.sign_ins s SET elapsed_at = moment WHERE s.sign_in_id IN (SELECT x.sign_in_id FROM estop.sign_ins x
    WHERE x.elapsed_at IS NULL AND x.ended_at IS NULL AND least(x.ends_at, x.seen_at + make_interval(secs => x.idle_ms / 1000.0)) <= moment
    LIMIT most FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS seen = ROW_COUNT;
  noted := noted + seen;
  UPDATE estop.api_tokens t SET elapsed_at = moment WHERE t.token_id IN (SELECT x.token_id FROM estop.api_tokens x
    WHERE x.elapsed_at IS NULL AND x.revoked_at IS NULL AND x.expires_at <= moment LIMIT most FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS seen = ROW_COUNT;
  noted := noted + seen;
  UPDATE estop.login_links l SET elapsed_at = moment WHERE l.code_hash IN (SELECT x.code_hash FROM estop.login_links x
    WHERE x.elapsed_at IS NULL AND x.used_at IS NULL AND x.expires_at <= moment LIMIT most FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS seen = ROW_COUNT;
  noted := noted + seen;
  UPDATE estop.reset_consents c SET elapsed_at = moment WHERE (c.stop_id, c.actor) IN (SELECT x.stop_id, x.actor FROM estop.reset_consents x
    WHERE x.elapsed_at IS NULL AND x.at <= moment - interval '15 minutes' LIMIT most FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS seen = ROW_COUNT;
  noted := noted + seen;
  UPDATE estop.client_tickets c SET elapsed_at = moment WHERE c.ticket_hash IN (SELECT x.ticket_hash FROM estop.client_tickets x
    WHERE x.elapsed_at IS NULL AND x.expires_at <= moment LIMIT most FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS seen = ROW_COUNT;
  noted := noted + seen;
  -- Of these nobody is told anything once they are over.
  DELETE FROM estop.policy_consents c WHERE (c.version, c.after, c.actor) IN (SELECT x.version, x.after, x.actor FROM estop.policy_consents x
    WHERE x.at <= moment - interval '15 minutes' LIMIT most FOR UPDATE SKIP LOCKED);
  DELETE FROM estop.sign_in_attempts a WHERE a.state_hash IN (SELECT x.state_hash FROM estop.sign_in_attempts x
    WHERE x.expires_at <= moment LIMIT most FOR UPDATE SKIP LOCKED);
  DELETE FROM estop.terminal_waits w WHERE w.handle_hash IN (SELECT x.handle_hash FROM estop.terminal_waits x
    WHERE x.ends_at <= moment LIMIT most FOR UPDATE SKIP LOCKED);
  RETURN noted;
END $$;

GRANT EXECUTE ON FUNCTION estop.note_elapsed() TO estop_revoker;
