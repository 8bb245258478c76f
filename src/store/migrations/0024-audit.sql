-- Attempts of nobody who is known here, or at a stop of nobody who may: an alert or a press of a button that nobody signed, a press by
-- a stranger, a stop ordered by a viewer. Whoever sends them sends as many as they like, so they are counted: one row for one source at one door in one minute, however many there were. Control
-- names few sources a minute and puts all others into one, so that a flood from everywhere fills nothing either.
CREATE TABLE estop.refused_attempts (
  door     text NOT NULL, -- which way in, as a method of the audit
  source   text NOT NULL, -- who it was as far as that is known, else the address it came from
  subject  text NOT NULL, -- what they tried
  because  text NOT NULL,
  minute   timestamptz NOT NULL,
  first_at timestamptz NOT NULL,
  last_at  timestamptz NOT NULL,
  times    bigint NOT NULL CHECK (times > 0),
  -- The sign-in or the API token that was shown, where the ledger knows or knew it; never the secret, nor its hash.
  shown      text NOT NULL DEFAULT '',
  shown_name text NOT NULL DEFAULT '',
  PRIMARY KEY (minute, door, source, subject, because, shown)
);
CREATE INDEX refused_attempts_by_time ON estop.refused_attempts (first_at);

-- Whose a secret is or was, by its hash, and in `ended` why it is nobody's any more; empty: it is theirs now.
CREATE FUNCTION estop.shown_by(p_hash bytea) RETURNS TABLE (id text, name text, basis bytea, ended text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT t.token_id, t.name, t.basis, CASE WHEN t.revoked_at IS NOT NULL THEN 'token-revoked' WHEN t.expires_at <= clock_timestamp() THEN 'token-expired'
      WHEN p.disabled_at IS NOT NULL THEN 'person-disabled' ELSE '' END
    FROM estop.api_tokens t LEFT JOIN estop.people p ON p.person_id = t.owner WHERE t.token_hash = p_hash
  UNION ALL SELECT s.sign_in_id, p.name, s.basis, CASE WHEN p.disabled_at IS NOT NULL THEN 'person-disabled' WHEN s.ended_at IS NOT NULL THEN 'signed-out'
      WHEN least(s.ends_at, s.seen_at + make_interval(secs => s.idle_ms / 1000.0)) <= clock_timestamp() THEN 'sign-in-over' ELSE '' END
    FROM estop.sign_ins s JOIN estop.people p USING (person_id) WHERE s.secret_hash = p_hash
$$;
GRANT EXECUTE ON FUNCTION estop.shown_by(bytea) TO estop_stop;

-- The minute is the store's, so that several processes count into one row. `shown`: the hash of what was shown, in hexadecimal. Whoever
-- is signed in is named instead of the address, and `ifKnown` is why it was refused then; of what has ended it is said what it was, and
-- it stays with the address: who holds it now nobody knows. Locks: its rows, in their order.
CREATE FUNCTION estop.note_refused_attempts(p_seen jsonb) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO estop.refused_attempts AS r (door, source, subject, because, minute, first_at, last_at, times, shown, shown_name)
    SELECT left(x.door, 40), left(CASE WHEN w.ended = '' THEN w.name ELSE x.source END, 200), left(x.subject, 400),
      left(coalesce(nullif(w.ended, ''), CASE WHEN w.id IS NOT NULL THEN x."ifKnown" END, x.because), 100),
      date_trunc('minute', n.at), n.at, n.at, sum(x.times), coalesce(w.id, ''), coalesce(left(max(w.name), 200), '')
    FROM (SELECT clock_timestamp() AS at) n,
      jsonb_to_recordset(p_seen) AS x(door text, source text, subject text, because text, times bigint, shown text, "ifKnown" text)
    LEFT JOIN LATERAL estop.shown_by(decode(x.shown, 'hex')) w ON true
    GROUP BY 1, 2, 3, 4, n.at, w.id ORDER BY 1, 2, 3, 4, 9
    ON CONFLICT (minute, door, source, subject, because, shown) DO UPDATE SET times = r.times + excluded.times, last_at = excluded.last_at
$$;

-- What the trail is read by: newest first, of everybody or of one.
CREATE INDEX audit_by_actor ON estop.audit (actor, at);
CREATE INDEX approvals_by_decision ON estop.approvals (decided_at) WHERE decided_at IS NOT NULL;
CREATE INDEX tasks_by_requester ON estop.tasks (requested_by, registered_at) WHERE parent_id IS NULL AND kind <> 'drill';

-- Whoever reads a history has it opened in dozens of requests. They are one entry as long as each comes within 10 s of the last and within
-- a minute of the first, by the same person, from the same place, of the same namespace: of it only the sums grow, whoever
-- calls this. Locks: one key per person and namespace, so that requests which come together are one entry too; then that entry.
CREATE FUNCTION estop.note_decoded(p_actor text, p_subject text, p_detail jsonb, p_payloads bigint, p_opened bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  moment timestamptz;
BEGIN
  IF (p_payloads >= 0 AND p_opened >= 0) IS NOT TRUE THEN
    RAISE EXCEPTION 'what was read cannot be unread' USING ERRCODE = 'ES002';
  END IF;
  PERFORM pg_advisory_xact_lock(1163088978, hashtext(p_actor || E'\n' || p_subject));
  moment := clock_timestamp();
  UPDATE estop.audit a SET detail = a.detail || jsonb_build_object('payloads', (a.detail ->> 'payloads')::bigint + p_payloads,
      'opened', (a.detail ->> 'opened')::bigint + p_opened, 'requests', (a.detail ->> 'requests')::bigint + 1, 'until', moment)
    WHERE a.seq = (SELECT b.seq FROM estop.audit b WHERE b.actor = left(p_actor, 200) AND b.at > moment - interval '1 minute'
      AND b.kind = 'payload.decoded' AND b.subject = left(p_subject, 400) AND b.method = estop.method_now()
      AND b.detail - '{payloads,opened,requests,until}'::text[] = p_detail AND (b.detail ->> 'until')::timestamptz > moment - interval '10 seconds'
      ORDER BY b.at DESC LIMIT 1);
  IF FOUND THEN RETURN; END IF;
  PERFORM estop.append_audit('payload.decoded', p_actor, p_subject,
    p_detail || jsonb_build_object('payloads', p_payloads, 'opened', p_opened, 'requests', 1, 'until', moment));
END $$;
GRANT EXECUTE ON FUNCTION estop.note_decoded(text, text, jsonb, bigint, bigint) TO estop_control;

GRANT EXECUTE ON FUNCTION estop.note_refused_attempts(jsonb) TO estop_control, estop_stop;
GRANT SELECT ON estop.refused_attempts TO estop_control;
