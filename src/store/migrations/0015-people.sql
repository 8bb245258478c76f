-- People: who may sign in, and where they are signed in. A secret is never here, only its hash: 256 random bits need no salt. A
-- mandate is {role, labels?, since?} (src/core/mandate.ts). Elevations, which sign_in_of reads, are made in 0020-elevations.sql.

-- One person of one issuer, known by the subject that the issuer gives to nobody else; `local` issues what comes of a token of this
-- installation. `mandates` is what estop.yaml gives this person, worked out by control whenever either changes. `person`: whom to take
-- it for, wherever two people are needed.
CREATE TABLE estop.people (
  person_id   text PRIMARY KEY,
  issuer      text NOT NULL,
  subject     text NOT NULL,
  name        text NOT NULL,
  person      text NOT NULL,
  groups      text[] NOT NULL DEFAULT '{}',
  mandates    jsonb NOT NULL DEFAULT '[]',
  first_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  disabled_at timestamptz,
  disabled_by text,
  UNIQUE (issuer, subject)
);

-- One browser or terminal of one person. `basis` is the hash of the token it was made from, if it was: it ends with that token.
CREATE TABLE estop.sign_ins (
  sign_in_id  text PRIMARY KEY,
  secret_hash bytea NOT NULL UNIQUE,
  person_id   text NOT NULL REFERENCES estop.people,
  method      text NOT NULL CHECK (method IN ('link', 'oidc', 'device')),
  basis       bytea,
  -- The provider's own name of its session, for a sign-out that begins there.
  issuer_sid  text,
  agent       text NOT NULL DEFAULT '',
  made_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  idle_ms     bigint NOT NULL,
  ends_at     timestamptz NOT NULL,
  elapsed_at  timestamptz, -- seen to be over (0028-elapsed.sql)
  ended_at    timestamptz,
  ended_by    text
);
CREATE INDEX sign_ins_person ON estop.sign_ins (person_id);
-- The stop process asks every second who may stop: what is over must cost it nothing.
CREATE INDEX sign_ins_open ON estop.sign_ins (ends_at) WHERE ended_at IS NULL;

-- A way in that works once: made by somebody who holds a token, redeemed by a browser.
CREATE TABLE estop.login_links (
  code_hash  bytea PRIMARY KEY,
  name       text NOT NULL,
  person     text NOT NULL,
  mandates   jsonb NOT NULL,
  basis      bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  elapsed_at timestamptz,
  used_at    timestamptz
);

-- Half way through an identity provider: what the answer has to carry, and the browser that it has to come back to.
CREATE TABLE estop.sign_in_attempts (
  state_hash   bytea PRIMARY KEY,
  browser_hash bytea NOT NULL,
  nonce        text NOT NULL,
  verifier     text NOT NULL,
  next         text NOT NULL,
  expires_at   timestamptz NOT NULL
);
CREATE INDEX sign_in_attempts_end ON estop.sign_in_attempts (expires_at);

CREATE FUNCTION estop.may_approve(p_mandates jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT p_mandates @? '$[*] ? (@.role == "approver" || @.role == "admin")'
$$;

-- What rests on a yes that was not used yet, of somebody who could not say it any more: the call is asked for anew, and where two
-- must say it another one says the half. Who had said it stands in the audit. Whose they are: as decide_approval writes them.
CREATE FUNCTION estop.withdraw_approvals(p_person text, p_actor text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  WITH whole AS (
    UPDATE estop.approvals a SET state = 'closed' WHERE a.state = 'approved' AND lower(p_person) IN (lower(a.decided_by), lower(a.first_by))
      RETURNING a.approval_id, 'approved' AS before, 'closed' AS after),
  half AS (
    UPDATE estop.approvals a SET first_by = NULL, first_at = NULL, first_ground = NULL
      WHERE a.state = 'pending' AND lower(p_person) IN (lower(a.first_by)) RETURNING a.approval_id, 'pending' AS before, 'pending' AS after)
  INSERT INTO estop.audit (kind, actor, subject, before, after)
    SELECT 'approval.withdrawn', left(p_actor, 200), w.approval_id, jsonb_build_object('state', w.before, 'by', p_person), jsonb_build_object('state', w.after)
    FROM (SELECT * FROM whole UNION ALL SELECT * FROM half) w;
END $$;

-- The mandates that somebody has from now on. What was given before keeps its date: an approver who became one after a call had been
-- asked for may not decide that call, and a list that is merely written again gives nobody a new date.
CREATE FUNCTION estop.dated_mandates(p_before jsonb, p_now jsonb) RETURNS jsonb
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(jsonb_agg((n.m - 'since') || jsonb_build_object('since',
      coalesce((SELECT o.m -> 'since' FROM jsonb_array_elements(p_before) o(m) WHERE o.m - 'since' = n.m - 'since' LIMIT 1),
        to_jsonb(to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))))), '[]')
    FROM jsonb_array_elements(p_now) n(m)
$$;

CREATE FUNCTION estop.make_login_link(p_code_hash bytea, p_name text, p_person text, p_mandates jsonb, p_basis bytea, p_life_ms bigint)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ends timestamptz := clock_timestamp() + make_interval(secs => p_life_ms / 1000.0);
BEGIN
  DELETE FROM estop.login_links l WHERE l.expires_at < clock_timestamp() - interval '1 day';
  INSERT INTO estop.login_links (code_hash, name, person, mandates, basis, expires_at)
    VALUES (p_code_hash, left(p_name, 200), left(p_person, 200), p_mandates, p_basis, ends);
  INSERT INTO estop.audit (kind, actor, subject, after)
    VALUES ('login-link.made', left(p_name, 200), 'person:' || left(p_name, 200), jsonb_build_object('expiresAt', ends, 'mandates', p_mandates));
  RETURN ends;
END $$;

-- Whom a link is for, or was; nothing if it was never made. Looking uses nothing up: previews of messages look.
CREATE FUNCTION estop.login_link_of(p_code_hash bytea) RETURNS TABLE (name text, basis bytea, is_open boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT l.name, l.basis, l.used_at IS NULL AND l.elapsed_at IS NULL AND l.expires_at > clock_timestamp() FROM estop.login_links l WHERE l.code_hash = p_code_hash
$$;

-- Once: the second of two who redeem it at the same time waits for the row and finds it used.
CREATE FUNCTION estop.redeem_login_link(
  p_code_hash bytea, p_person_id text, p_sign_in_id text, p_secret_hash bytea, p_agent text, p_idle_ms bigint, p_life_ms bigint
) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  link estop.login_links%ROWTYPE;
  whose estop.people%ROWTYPE;
BEGIN
  PERFORM estop.commit_durably();
  UPDATE estop.login_links l SET used_at = clock_timestamp()
    WHERE l.code_hash = p_code_hash AND l.used_at IS NULL AND l.expires_at > clock_timestamp() AND l.elapsed_at IS NULL RETURNING * INTO link;
  IF NOT FOUND THEN RETURN 'over'; END IF;
  INSERT INTO estop.people AS p (person_id, issuer, subject, name, person, mandates)
    VALUES (p_person_id, 'local', link.name, link.name, link.person, link.mandates)
    ON CONFLICT (issuer, subject) DO UPDATE SET person = excluded.person, mandates = excluded.mandates RETURNING * INTO whose;
  IF whose.disabled_at IS NOT NULL THEN
    INSERT INTO estop.audit (kind, actor, subject, method, detail)
      VALUES ('sign-in.refused', link.name, 'person:' || link.name, 'link', '{"because": "disabled"}');
    RETURN 'disabled';
  END IF;
  INSERT INTO estop.sign_ins (sign_in_id, secret_hash, person_id, method, basis, agent, idle_ms, ends_at)
    VALUES (p_sign_in_id, p_secret_hash, whose.person_id, 'link', link.basis, left(p_agent, 200), p_idle_ms,
      clock_timestamp() + make_interval(secs => p_life_ms / 1000.0));
  INSERT INTO estop.audit (kind, actor, subject, method, after)
    VALUES ('sign-in.begun', link.name, 'sign-in:' || p_sign_in_id, 'link', jsonb_build_object('personId', whose.person_id, 'mandates', whose.mandates));
  RETURN 'begun';
END $$;

CREATE FUNCTION estop.begin_attempt(
  p_state_hash bytea, p_browser_hash bytea, p_nonce text, p_verifier text, p_next text, p_life_ms bigint
) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM estop.sign_in_attempts d WHERE d.state_hash IN (SELECT a.state_hash FROM estop.sign_in_attempts a
    WHERE a.expires_at < clock_timestamp() ORDER BY a.expires_at LIMIT 100 FOR UPDATE SKIP LOCKED);
  INSERT INTO estop.sign_in_attempts (state_hash, browser_hash, nonce, verifier, next, expires_at)
    VALUES (p_state_hash, p_browser_hash, p_nonce, p_verifier, p_next, clock_timestamp() + make_interval(secs => p_life_ms / 1000.0));
END $$;

-- Once, and only for the browser that began it: an answer that is shown again finds nothing.
CREATE FUNCTION estop.take_attempt(p_state_hash bytea, p_browser_hash bytea) RETURNS TABLE (nonce text, verifier text, next text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM estop.sign_in_attempts a
    WHERE a.state_hash = p_state_hash AND a.browser_hash = p_browser_hash AND a.expires_at > clock_timestamp()
    RETURNING a.nonce, a.verifier, a.next
$$;

-- Somebody whom an identity provider has named. Disabled here, nobody gets in, whatever the provider says.
CREATE FUNCTION estop.begin_sign_in(
  p_person_id text, p_issuer text, p_subject text, p_name text, p_person text, p_groups text[], p_mandates jsonb,
  p_sign_in_id text, p_secret_hash bytea, p_method text, p_issuer_sid text, p_agent text, p_idle_ms bigint, p_life_ms bigint
) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  known estop.people%ROWTYPE;
  now_held jsonb;
BEGIN
  IF coalesce(p_subject, '') = '' OR coalesce(p_issuer, '') IN ('', 'local') OR p_method NOT IN ('oidc', 'device') THEN
    RAISE EXCEPTION 'a person has an issuer and a subject' USING ERRCODE = 'ES002';
  END IF;
  PERFORM estop.commit_durably();
  INSERT INTO estop.people (person_id, issuer, subject, name, person)
    VALUES (p_person_id, p_issuer, p_subject, left(p_name, 200), left(p_person, 200)) ON CONFLICT DO NOTHING;
  SELECT * INTO known FROM estop.people p WHERE p.issuer = p_issuer AND p.subject = p_subject FOR UPDATE;
  IF known.disabled_at IS NOT NULL THEN
    INSERT INTO estop.audit (kind, actor, subject, method, detail)
      VALUES ('sign-in.refused', known.name, 'person:' || known.name, p_method, '{"because": "disabled"}');
    RETURN 'disabled';
  END IF;
  UPDATE estop.people p SET name = left(p_name, 200), person = left(p_person, 200), groups = p_groups,
      mandates = estop.dated_mandates(p.mandates, p_mandates)
    WHERE p.person_id = known.person_id RETURNING p.mandates INTO now_held;
  IF estop.may_approve(known.mandates) AND NOT estop.may_approve(now_held) THEN PERFORM estop.withdraw_approvals(known.person, 'sign-in'); END IF;
  IF known.mandates <> now_held THEN PERFORM estop.withdraw_lost_approvals('sign-in'); END IF;
  INSERT INTO estop.sign_ins (sign_in_id, secret_hash, person_id, method, issuer_sid, agent, idle_ms, ends_at)
    VALUES (p_sign_in_id, p_secret_hash, known.person_id, p_method, p_issuer_sid, left(p_agent, 200), p_idle_ms,
      clock_timestamp() + make_interval(secs => p_life_ms / 1000.0));
  INSERT INTO estop.audit (kind, actor, subject, method, before, after)
    VALUES ('sign-in.begun', left(p_name, 200), 'sign-in:' || p_sign_in_id, p_method, jsonb_build_object('mandates', known.mandates),
      jsonb_build_object('personId', known.person_id, 'mandates', now_held));
  RETURN 'begun';
END $$;

-- After estop.yaml has changed. Says nothing where nothing has.
CREATE FUNCTION estop.set_mandates(p_person_id text, p_person text, p_mandates jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  known estop.people%ROWTYPE;
  later jsonb;
BEGIN
  SELECT * INTO known FROM estop.people p WHERE p.person_id = p_person_id FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  later := estop.dated_mandates(known.mandates, p_mandates);
  IF later = known.mandates AND known.person = left(p_person, 200) THEN RETURN false; END IF;
  UPDATE estop.people p SET mandates = later, person = left(p_person, 200) WHERE p.person_id = p_person_id;
  IF estop.may_approve(known.mandates) AND NOT estop.may_approve(later) THEN PERFORM estop.withdraw_approvals(known.person, 'configuration'); END IF;
  PERFORM estop.withdraw_lost_approvals('configuration');
  INSERT INTO estop.audit (kind, actor, subject, method, before, after) VALUES ('person.mandates', 'configuration', 'person:' || known.name, 'configuration',
    jsonb_build_object('person', known.person, 'mandates', known.mandates), jsonb_build_object('person', left(p_person, 200), 'mandates', later));
  RETURN true;
END $$;

-- Nothing of theirs goes on: a sign-in or a role of before does not come back with them.
CREATE FUNCTION estop.disable_person(p_person_id text, p_disabled boolean, p_actor text, p_reason text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  whose text;
  taken_for text;
  signed_out integer := 0;
BEGIN
  PERFORM estop.commit_durably();
  UPDATE estop.people p SET disabled_at = CASE WHEN p_disabled THEN clock_timestamp() END,
      disabled_by = CASE WHEN p_disabled THEN left(p_actor, 200) END
    WHERE p.person_id = p_person_id AND (p.disabled_at IS NULL) = p_disabled RETURNING p.name, p.person INTO whose, taken_for;
  IF NOT FOUND THEN
    RETURN CASE WHEN EXISTS (SELECT 1 FROM estop.people p WHERE p.person_id = p_person_id) THEN 'already' ELSE 'unknown' END;
  END IF;
  IF p_disabled THEN
    UPDATE estop.sign_ins s SET ended_at = clock_timestamp(), ended_by = left(p_actor, 200)
      WHERE s.person_id = p_person_id AND s.ended_at IS NULL;
    GET DIAGNOSTICS signed_out = ROW_COUNT;
    UPDATE estop.elevations e SET ended_at = clock_timestamp(), ended_by = left(p_actor, 200)
      WHERE e.person_id = p_person_id AND e.ended_at IS NULL AND coalesce(e.ends_at > clock_timestamp(), true);
    PERFORM estop.withdraw_approvals(taken_for, p_actor);
  END IF;
  INSERT INTO estop.audit (kind, actor, subject, detail, reason, before, after)
    VALUES (CASE WHEN p_disabled THEN 'person.disabled' ELSE 'person.enabled' END, left(p_actor, 200), 'person:' || whose,
      jsonb_build_object('personId', p_person_id), left(p_reason, 2000), jsonb_build_object('disabled', NOT p_disabled),
      jsonb_build_object('disabled', p_disabled, 'signInsEnded', signed_out));
  RETURN 'done';
END $$;

-- Who a secret stands for at this moment. Being asked counts as being used, to within 15 s, so that reading does not mean writing.
CREATE FUNCTION estop.sign_in_of(p_secret_hash bytea) RETURNS TABLE (
  sign_in_id text, person_id text, issuer text, subject text, name text, person text, groups text[], mandates jsonb, method text,
  basis bytea, ends_at timestamptz, elevation_id text, elevated_role text, elevated_at timestamptz, elevated_until timestamptz, as_of timestamptz
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  held estop.sign_ins%ROWTYPE;
  moment timestamptz := clock_timestamp();
BEGIN
  SELECT * INTO held FROM estop.sign_ins s WHERE s.secret_hash = p_secret_hash AND s.ended_at IS NULL AND s.ends_at > moment
    AND s.seen_at + make_interval(secs => s.idle_ms / 1000.0) > moment AND s.elapsed_at IS NULL;
  IF NOT FOUND THEN RETURN; END IF;
  IF held.seen_at < moment - interval '15 seconds' THEN
    UPDATE estop.sign_ins s SET seen_at = moment WHERE s.sign_in_id = held.sign_in_id;
  END IF;
  RETURN QUERY SELECT held.sign_in_id, p.person_id, p.issuer, p.subject, p.name, p.person, p.groups, p.mandates, held.method,
      held.basis, held.ends_at, e.elevation_id, e.role, e.granted_at, e.ends_at, moment
    FROM estop.people p
    LEFT JOIN LATERAL (SELECT * FROM estop.elevations x WHERE x.person_id = p.person_id AND x.ended_at IS NULL AND x.ends_at > moment
        AND x.elapsed_at IS NULL AND x.granted_at <= moment
      ORDER BY x.granted_at DESC LIMIT 1) e ON true
    WHERE p.person_id = held.person_id AND p.disabled_at IS NULL;
END $$;

CREATE FUNCTION estop.end_sign_in(p_sign_in_id text, p_actor text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  whose text;
BEGIN
  PERFORM estop.commit_durably();
  UPDATE estop.sign_ins s SET ended_at = clock_timestamp(), ended_by = left(p_actor, 200) FROM estop.people p
    WHERE s.sign_in_id = p_sign_in_id AND s.ended_at IS NULL AND p.person_id = s.person_id RETURNING p.name INTO whose;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO estop.audit (kind, actor, subject, detail, before, after)
    VALUES ('sign-in.ended', left(p_actor, 200), 'sign-in:' || p_sign_in_id, jsonb_build_object('of', whose), '{"open": true}', '{"open": false}');
  RETURN true;
END $$;

GRANT EXECUTE ON FUNCTION
  estop.make_login_link(bytea, text, text, jsonb, bytea, bigint), estop.login_link_of(bytea),
  estop.redeem_login_link(bytea, text, text, bytea, text, bigint, bigint), estop.sign_in_of(bytea), estop.end_sign_in(text, text),
  estop.begin_attempt(bytea, bytea, text, text, text, bigint), estop.take_attempt(bytea, bytea),
  estop.begin_sign_in(text, text, text, text, text, text[], jsonb, text, bytea, text, text, text, bigint, bigint),
  estop.set_mandates(text, text, jsonb), estop.disable_person(text, boolean, text, text)
  TO estop_control;
GRANT SELECT ON estop.people TO estop_control;
GRANT SELECT (sign_in_id, person_id, method, agent, made_at, seen_at, idle_ms, ends_at, elapsed_at, ended_at, ended_by) ON estop.sign_ins TO estop_control;
