-- Credentials of upstreams, sealed before they come here: this store never sees one in the clear. Control writes and cannot read;
-- a gateway reads. key_id names the sealing key; the fingerprint is a keyed hash of the value under that key, by which two secrets
-- of one value are found without opening either.
CREATE TABLE estop.secrets (
  name        text PRIMARY KEY,
  sealed      bytea NOT NULL,
  key_id      text NOT NULL,
  fingerprint text NOT NULL,
  revision    integer NOT NULL DEFAULT 1,
  set_by      text NOT NULL,
  set_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Rises with whatever a gateway must know of. Renewals read it. Its lock puts versions in commit order, and orders whoever writes a
-- secret, so that two of one value are not written side by side.
CREATE TABLE estop.secret_version (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), version bigint NOT NULL DEFAULT 0);
INSERT INTO estop.secret_version DEFAULT VALUES;

-- p_twins: the fingerprint of the new value under each key id; p_may_share: the names that may have the same value as this one.
-- p_must_exist: true replaces (a rotation), false makes a new one, null does either. Locks: the row of the version.
CREATE FUNCTION estop.put_secret(
  p_name text, p_sealed bytea, p_key_id text, p_fingerprint text, p_twins jsonb, p_may_share text[], p_must_exist boolean, p_actor text
) RETURNS TABLE (outcome text, revision integer, same_as text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  known integer;
  other text;
  was jsonb;
BEGIN
  IF coalesce(p_actor, '') = '' OR p_name !~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' OR octet_length(p_sealed) NOT BETWEEN 1 AND 65536 THEN
    RAISE EXCEPTION 'a secret needs a name, sealed bytes and somebody who sets it' USING ERRCODE = 'ES002';
  END IF;
  PERFORM estop.commit_durably();
  PERFORM 1 FROM estop.secret_version FOR UPDATE;
  SELECT s.revision, jsonb_build_object('revision', s.revision, 'keyId', s.key_id) INTO known, was FROM estop.secrets s WHERE s.name = p_name;
  IF p_must_exist AND known IS NULL THEN RETURN QUERY SELECT 'unknown'::text, NULL::integer, NULL::text; RETURN; END IF;
  IF NOT p_must_exist AND known IS NOT NULL THEN RETURN QUERY SELECT 'exists'::text, known, NULL::text; RETURN; END IF;
  SELECT s.name INTO other FROM estop.secrets s
    WHERE s.name <> p_name AND s.fingerprint = (p_twins ->> s.key_id) AND NOT s.name = ANY (p_may_share) ORDER BY s.name LIMIT 1;
  IF other IS NOT NULL THEN
    INSERT INTO estop.audit (kind, actor, subject, detail)
      VALUES ('secret.refused', left(p_actor, 200), 'secret:' || p_name, jsonb_build_object('sameAs', other));
    RETURN QUERY SELECT 'shared'::text, NULL::integer, other; RETURN;
  END IF;
  INSERT INTO estop.secrets AS s (name, sealed, key_id, fingerprint, set_by) VALUES (p_name, p_sealed, p_key_id, p_fingerprint, left(p_actor, 200))
    ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, key_id = excluded.key_id, fingerprint = excluded.fingerprint,
      revision = s.revision + 1, set_by = excluded.set_by, set_at = clock_timestamp()
    RETURNING s.revision INTO known;
  UPDATE estop.secret_version v SET version = v.version + 1;
  -- Of the value nothing, nor what it was made of: a revision and the name of the key that seals it.
  INSERT INTO estop.audit (kind, actor, subject, before, after)
    VALUES (CASE WHEN known = 1 THEN 'secret.set' ELSE 'secret.rotated' END, left(p_actor, 200), 'secret:' || p_name, was,
      jsonb_build_object('revision', known, 'keyId', p_key_id));
  RETURN QUERY SELECT 'set'::text, known, NULL::text;
END $$;

-- False: there is none of that name. Locks: the row of the version.
CREATE FUNCTION estop.remove_secret(p_name text, p_actor text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  was jsonb;
BEGIN
  IF coalesce(p_actor, '') = '' THEN
    RAISE EXCEPTION 'a secret is removed by somebody' USING ERRCODE = 'ES002';
  END IF;
  PERFORM estop.commit_durably();
  PERFORM 1 FROM estop.secret_version FOR UPDATE;
  DELETE FROM estop.secrets s WHERE s.name = p_name RETURNING jsonb_build_object('revision', s.revision, 'keyId', s.key_id) INTO was;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE estop.secret_version v SET version = v.version + 1;
  INSERT INTO estop.audit (kind, actor, subject, before) VALUES ('secret.removed', left(p_actor, 200), 'secret:' || p_name, was);
  RETURN true;
END $$;

-- Only those that its configuration names, and the version that they are of, in one statement: a gateway that holds them as of this
-- version has missed nothing before it.
CREATE FUNCTION estop.read_secrets(p_names text[]) RETURNS TABLE (version bigint, name text, sealed bytea, key_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT v.version, s.name, s.sealed, s.key_id FROM estop.secret_version v LEFT JOIN estop.secrets s ON s.name = ANY (p_names)
$$;

-- The same value under a newer key, after `estop keys rotate`. Only whoever holds the very bytes that are replaced can do it, and a
-- secret that was rotated meanwhile stays as it is. No gateway needs to hear of it. Locks: the row.
CREATE FUNCTION estop.reseal_secret(p_name text, p_before bytea, p_after bytea, p_key_id text, p_fingerprint text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  old_key text;
BEGIN
  IF octet_length(p_after) NOT BETWEEN 1 AND 65536 THEN
    RAISE EXCEPTION 'a secret needs sealed bytes' USING ERRCODE = 'ES002';
  END IF;
  PERFORM estop.commit_durably();
  SELECT s.key_id INTO old_key FROM estop.secrets s WHERE s.name = p_name AND s.sealed = p_before FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE estop.secrets s SET sealed = p_after, key_id = p_key_id, fingerprint = p_fingerprint WHERE s.name = p_name;
  INSERT INTO estop.audit (kind, actor, subject, before, after)
    VALUES ('secret.resealed', 'gateway', 'secret:' || p_name, jsonb_build_object('keyId', old_key), jsonb_build_object('keyId', p_key_id));
  RETURN true;
END $$;

GRANT EXECUTE ON FUNCTION estop.put_secret(text, bytea, text, text, jsonb, text[], boolean, text), estop.remove_secret(text, text)
  TO estop_control;
GRANT SELECT (name, key_id, revision, set_by, set_at) ON estop.secrets TO estop_control;
GRANT EXECUTE ON FUNCTION estop.read_secrets(text[]), estop.reseal_secret(text, bytea, bytea, text, text) TO estop_gateway;

-- A grant that is issued when it is first used: a gateway says that it is wanted, the relay tells the task's workflow, and the trusted
-- worker mints it like any other (0006-mint.sql). Nobody else can have one minted: a workflow that is told without a row here is not
-- believed. The row goes when it is issued; a refusal stays for a moment, so that whoever waits need not.
CREATE TABLE estop.grant_wants (
  task_id    text NOT NULL,
  name       text NOT NULL,
  wanted_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  told_at    timestamptz,
  refused_at timestamptz,
  reason     text,
  PRIMARY KEY (task_id, name)
);

-- Hands the grant over, or asks for it: the one question of whoever needs it, as often as it looks. Where there is none the same look at
-- task and stops as in hand_over; the mint looks again, and hand_over after it. Wanted again: 5 s after a refusal, or where the workflow
-- was told 20 s ago and nothing came of it. The row first and the grant once more after it: a want that stands when its grant is there
-- already, because the mint took the row before away in between, would be minted a second time. Locks: the row of the want.
CREATE FUNCTION estop.obtain_grant(p_task_id text, p_name text, p_token_epoch bigint)
RETURNS TABLE (decision text, stop_id text, reason text, grant_id text, connector text, target text, sealed bytea, handle jsonb, options text, absolute_end timestamptz)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  seen record;
  known estop.grant_wants%ROWTYPE;
BEGIN
  RETURN QUERY SELECT h.decision, h.stop_id, NULL::text, h.grant_id, h.connector, h.target, h.sealed, h.handle, h.options, h.absolute_end
    FROM estop.hand_over(p_task_id, p_name, p_token_epoch) h;
  IF FOUND THEN RETURN; END IF;
  SELECT t.state, estop.is_held(t.task_id, t.ancestors) AS held, estop.dead_by(t.keys, t.agents, least(t.epoch, p_token_epoch)) AS killer
    INTO seen FROM estop.tasks t WHERE t.task_id = p_task_id;
  IF NOT FOUND THEN decision := 'unknown-task'; RETURN NEXT; RETURN; END IF;
  IF seen.killer IS NOT NULL THEN decision := 'stopped'; stop_id := seen.killer; RETURN NEXT; RETURN; END IF;
  IF seen.state = 'closed' THEN decision := 'task-closed'; RETURN NEXT; RETURN; END IF;
  IF seen.held THEN decision := 'held'; RETURN NEXT; RETURN; END IF;
  INSERT INTO estop.grant_wants AS w (task_id, name) VALUES (p_task_id, p_name)
    ON CONFLICT (task_id, name) DO UPDATE SET wanted_at = clock_timestamp(), told_at = NULL, refused_at = NULL, reason = NULL
      WHERE w.refused_at < clock_timestamp() - interval '5 s' OR (w.refused_at IS NULL AND w.told_at < clock_timestamp() - interval '20 s');
  RETURN QUERY SELECT h.decision, h.stop_id, NULL::text, h.grant_id, h.connector, h.target, h.sealed, h.handle, h.options, h.absolute_end
    FROM estop.hand_over(p_task_id, p_name, p_token_epoch) h;
  IF FOUND THEN
    DELETE FROM estop.grant_wants w WHERE w.task_id = p_task_id AND w.name = p_name;
    RETURN;
  END IF;
  SELECT * INTO known FROM estop.grant_wants w WHERE w.task_id = p_task_id AND w.name = p_name;
  decision := CASE WHEN known.refused_at IS NULL THEN 'wanted' ELSE 'refused' END;
  reason := known.reason;
  RETURN NEXT;
END $$;

-- What workflows are still to be told of, oldest first. Wants of closed tasks, and those that nobody asked for in an hour, go.
CREATE FUNCTION estop.untold_wants(p_limit integer) RETURNS TABLE (task_id text, name text)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
  DELETE FROM estop.grant_wants w USING estop.tasks t
    WHERE t.task_id = w.task_id AND (t.state = 'closed' OR w.wanted_at < clock_timestamp() - interval '1 hour');
  RETURN QUERY SELECT w.task_id, w.name FROM estop.grant_wants w WHERE w.told_at IS NULL AND w.refused_at IS NULL ORDER BY w.wanted_at LIMIT p_limit;
END $$;

CREATE FUNCTION estop.note_want_told(p_task_id text, p_name text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE estop.grant_wants w SET told_at = clock_timestamp() WHERE w.task_id = p_task_id AND w.name = p_name AND w.told_at IS NULL
$$;

-- p_reason null: it was issued. Otherwise whoever waits is told so.
CREATE FUNCTION estop.end_want(p_task_id text, p_name text, p_reason text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF p_reason IS NULL THEN
    DELETE FROM estop.grant_wants w WHERE w.task_id = p_task_id AND w.name = p_name;
  ELSE
    UPDATE estop.grant_wants w SET refused_at = clock_timestamp(), reason = left(p_reason, 100) WHERE w.task_id = p_task_id AND w.name = p_name;
  END IF;
END $$;

GRANT EXECUTE ON FUNCTION estop.obtain_grant(text, text, bigint) TO estop_gateway;
GRANT EXECUTE ON FUNCTION estop.untold_wants(integer), estop.note_want_told(text, text), estop.end_want(text, text, text) TO estop_revoker;
GRANT EXECUTE ON FUNCTION estop.end_want(text, text, text) TO estop_trusted;
GRANT SELECT (task_id, name, refused_at) ON estop.grant_wants TO estop_trusted;

-- What a client of MCP is given for its person's consent: a code, and with each token a refresh token. Each is of one session, by hash,
-- and is taken once; whatever comes a second time was seen by somebody who should not have it, and ends the session.
CREATE TABLE estop.client_tickets (
  ticket_hash bytea PRIMARY KEY,
  kind        text NOT NULL CHECK (kind IN ('code', 'refresh')),
  client_hash bytea NOT NULL,
  redirect    text NOT NULL,
  challenge   text NOT NULL,
  resource    text NOT NULL,
  agent_id    text NOT NULL,
  actor       text NOT NULL,
  person      text NOT NULL,
  person_id   text NOT NULL,
  basis       bytea, -- hash of the token that the person signed in by, if it was one: it ends with that token
  task_id     text NOT NULL,
  expires_at  timestamptz NOT NULL,
  elapsed_at  timestamptz, -- seen to be over (0028-elapsed.sql)
  used_at     timestamptz,
  redeemed_at timestamptz, -- used by whom it was for
  replayed_at timestamptz,
  parent_hash bytea, -- of a refresh token: what it was given for
  epoch       bigint NOT NULL DEFAULT 0 -- of a code: as of its person's consent
);
CREATE INDEX client_tickets_by_parent ON estop.client_tickets (parent_hash);
CREATE INDEX client_tickets_open ON estop.client_tickets (expires_at) WHERE elapsed_at IS NULL;
CREATE INDEX client_tickets_by_task ON estop.client_tickets (task_id);

-- A consent is as old as a credential of that moment: no stop of the agent outlives it and is reset before it counts. One that is given
-- under a stop is of no epoch, because its start would come before the reset.
CREATE FUNCTION estop.make_client_code(
  p_hash bytea, p_client_hash bytea, p_redirect text, p_challenge text, p_resource text, p_agent_id text, p_actor text, p_person text,
  p_person_id text, p_task_id text, p_client text, p_life_ms bigint, p_basis bytea
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM estop.commit_durably();
  DELETE FROM estop.client_tickets c WHERE c.expires_at < clock_timestamp() - interval '1 day';
  INSERT INTO estop.client_tickets (ticket_hash, kind, client_hash, redirect, challenge, resource, agent_id, actor, person, person_id, basis, task_id, expires_at, epoch)
    VALUES (p_hash, 'code', p_client_hash, p_redirect, p_challenge, p_resource, p_agent_id, left(p_actor, 200), left(p_person, 200), p_person_id, p_basis, p_task_id,
      clock_timestamp() + make_interval(secs => p_life_ms / 1000.0),
      (SELECT CASE WHEN estop.dead_by(ARRAY['fleet', 'agent:' || p_agent_id], ARRAY[p_agent_id], e.epoch) IS NULL THEN e.epoch ELSE 0 END
        FROM (SELECT estop.current_epoch() AS epoch) e));
  INSERT INTO estop.audit (kind, actor, subject, method, detail, after)
    VALUES ('client.connected', left(p_actor, 200), 'agent:' || p_agent_id, 'console', jsonb_build_object('client', left(p_client, 200)),
      jsonb_build_object('session', p_task_id, 'redirect', left(p_redirect, 400)));
END $$;

-- Used up by whoever shows it, also by one whom it was not for. Only a refresh token for which nothing was given yet is good once more: something
-- failed in between, and whoever it is for has no other. Of a person who was shut out it opens nothing. Locks: the row, and after a replay those of its session.
CREATE FUNCTION estop.redeem_client_ticket(p_hash bytea, p_kind text, p_client_hash bytea, p_redirect text, p_challenge text, p_resource text)
RETURNS TABLE (outcome text, task_id text, agent_id text, actor text, person text, person_id text, basis bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  t estop.client_tickets%ROWTYPE;
BEGIN
  PERFORM estop.commit_durably();
  SELECT * INTO t FROM estop.client_tickets c WHERE c.ticket_hash = p_hash AND c.kind = p_kind FOR UPDATE;
  IF NOT FOUND THEN outcome := 'unknown'; RETURN NEXT; RETURN; END IF;
  IF t.used_at IS NOT NULL AND (t.kind = 'code' OR t.redeemed_at IS NULL OR t.replayed_at IS NOT NULL
      OR EXISTS (SELECT 1 FROM estop.client_tickets x WHERE x.parent_hash = p_hash)) THEN
    UPDATE estop.client_tickets c SET replayed_at = clock_timestamp(), used_at = coalesce(c.used_at, clock_timestamp())
      WHERE c.task_id = t.task_id;
    INSERT INTO estop.audit (kind, actor, subject, method, detail, before, after)
      VALUES ('client.replayed', t.actor, t.task_id, 'mcp', jsonb_build_object('because', p_kind || ' shown twice'), '{"ticketsOpen": true}', '{"ticketsOpen": false}');
    RETURN QUERY SELECT 'replayed'::text, t.task_id, t.agent_id, t.actor, t.person, t.person_id, t.basis; RETURN;
  END IF;
  UPDATE estop.client_tickets c SET used_at = clock_timestamp(), redeemed_at = NULL WHERE c.ticket_hash = p_hash;
  IF t.expires_at <= clock_timestamp() OR t.elapsed_at IS NOT NULL
    OR NOT EXISTS (SELECT 1 FROM estop.people p WHERE p.person_id = t.person_id AND p.disabled_at IS NULL) THEN outcome := 'unknown'; RETURN NEXT; RETURN; END IF;
  IF t.client_hash <> p_client_hash OR (p_resource IS NOT NULL AND t.resource <> p_resource)
    OR (p_kind = 'code' AND (t.redirect IS DISTINCT FROM p_redirect OR t.challenge IS DISTINCT FROM p_challenge)) THEN
    outcome := 'mismatch'; RETURN NEXT; RETURN;
  END IF;
  -- Of a stop that is still in force the registration says so.
  IF p_kind = 'code' AND EXISTS (SELECT 1 FROM estop.stops s WHERE s.reset_at IS NOT NULL
      AND s.stop_id = estop.dead_by(ARRAY['fleet', 'agent:' || t.agent_id], ARRAY[t.agent_id], t.epoch)) THEN
    outcome := 'unknown'; RETURN NEXT; RETURN;
  END IF;
  UPDATE estop.client_tickets c SET redeemed_at = clock_timestamp() WHERE c.ticket_hash = p_hash;
  RETURN QUERY SELECT 'redeemed'::text, t.task_id, t.agent_id, t.actor, t.person, t.person_id, t.basis;
END $$;

-- The next one of its session, and there is one next one. False: what it was given for has been shown again meanwhile, or more were used within the hour than
-- tokens can end in it.
CREATE FUNCTION estop.make_client_refresh(p_hash bytea, p_parent_hash bytea, p_life_ms bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM estop.commit_durably();
  PERFORM 1 FROM estop.client_tickets c WHERE c.ticket_hash = p_parent_hash FOR UPDATE;
  INSERT INTO estop.client_tickets (ticket_hash, kind, client_hash, redirect, challenge, resource, agent_id, actor, person, person_id, basis, task_id, parent_hash, expires_at)
    SELECT p_hash, 'refresh', c.client_hash, c.redirect, c.challenge, c.resource, c.agent_id, c.actor, c.person, c.person_id, c.basis, c.task_id, p_parent_hash,
      clock_timestamp() + make_interval(secs => p_life_ms / 1000.0)
    FROM estop.client_tickets c WHERE c.ticket_hash = p_parent_hash AND c.used_at IS NOT NULL AND c.replayed_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM estop.client_tickets x WHERE x.parent_hash = p_parent_hash)
      AND (SELECT count(*) FROM estop.client_tickets x WHERE x.task_id = c.task_id AND x.used_at > clock_timestamp() - interval '1 hour') < 240;
  RETURN FOUND;
END $$;

-- Open sessions of clients that this person connected.
CREATE FUNCTION estop.sessions_connected_by(p_person_id text) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT t.task_id FROM estop.client_tickets c JOIN estop.tasks t ON t.task_id = c.task_id
    WHERE c.person_id = p_person_id AND t.state <> 'closed'
$$;
GRANT EXECUTE ON FUNCTION estop.sessions_connected_by(text) TO estop_control;

GRANT EXECUTE ON FUNCTION estop.make_client_code(bytea, bytea, text, text, text, text, text, text, text, text, text, bigint, bytea),
  estop.redeem_client_ticket(bytea, text, bytea, text, text, text), estop.make_client_refresh(bytea, bytea, bigint) TO estop_control;
