-- People: who may sign in, and where they are signed in. A secret is never here, only its hash: 256 random bits need no salt.

-- One person of one issuer, known by the subject that the issuer never gives to anybody else; `local` issues what comes of a token of
-- this installation. `mandates` is what estop.yaml gives this person, worked out by control whenever either changes.
CREATE TABLE estop.people (
  issuer      text NOT NULL,
  subject     text NOT NULL,
  name        text NOT NULL,
  -- Whom to take it for, wherever two people are needed.
  person      text NOT NULL,
  groups      text[] NOT NULL DEFAULT '{}',
  mandates      jsonb NOT NULL DEFAULT '[]',
  first_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  disabled_at timestamptz,
  disabled_by text,
  PRIMARY KEY (issuer, subject)
);

-- One browser or terminal of one person. `basis` is the hash of the token it was made from, if it was: it ends with that token.
CREATE TABLE estop.sign_ins (
  sign_in_id  text PRIMARY KEY,
  secret_hash bytea NOT NULL UNIQUE,
  issuer      text NOT NULL,
  subject     text NOT NULL,
  method      text NOT NULL CHECK (method IN ('link', 'oidc', 'device')),
  basis       bytea,
  agent       text NOT NULL DEFAULT '',
  made_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  seen_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  idle_ms     bigint NOT NULL,
  ends_at     timestamptz NOT NULL,
  ended_at    timestamptz,
  ended_by    text,
  FOREIGN KEY (issuer, subject) REFERENCES estop.people
);
CREATE INDEX sign_ins_person ON estop.sign_ins (issuer, subject);

-- A way in that works once: made by somebody who holds a token, redeemed by a browser.
CREATE TABLE estop.login_links (
  code_hash  bytea PRIMARY KEY,
  name       text NOT NULL,
  person     text NOT NULL,
  mandates     jsonb NOT NULL,
  basis      bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at    timestamptz
);

CREATE FUNCTION estop.make_login_link(p_code_hash bytea, p_name text, p_person text, p_mandates jsonb, p_basis bytea, p_life_ms bigint)
RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ends timestamptz := clock_timestamp() + make_interval(secs => p_life_ms / 1000.0);
BEGIN
  DELETE FROM estop.login_links l WHERE l.expires_at < clock_timestamp() - interval '1 day';
  INSERT INTO estop.login_links (code_hash, name, person, mandates, basis, expires_at)
    VALUES (p_code_hash, left(p_name, 200), left(p_person, 200), p_mandates, p_basis, ends);
  INSERT INTO estop.audit (kind, actor, subject, detail)
    VALUES ('login-link.made', left(p_name, 200), 'person:' || left(p_name, 200), jsonb_build_object('expiresAt', ends));
  RETURN ends;
END $$;

-- Whom a link is for; nothing if it is used, over or was never made. Looking uses nothing up: previews of messages look.
CREATE FUNCTION estop.login_link_of(p_code_hash bytea) RETURNS TABLE (name text, basis bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT l.name, l.basis FROM estop.login_links l WHERE l.code_hash = p_code_hash AND l.used_at IS NULL AND l.expires_at > clock_timestamp()
$$;

-- Once: the second of two who redeem it at the same time waits for the row and finds it used.
CREATE FUNCTION estop.redeem_login_link(
  p_code_hash bytea, p_sign_in_id text, p_secret_hash bytea, p_agent text, p_idle_ms bigint, p_life_ms bigint
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  link estop.login_links%ROWTYPE;
BEGIN
  PERFORM estop.commit_durably();
  UPDATE estop.login_links l SET used_at = clock_timestamp()
    WHERE l.code_hash = p_code_hash AND l.used_at IS NULL AND l.expires_at > clock_timestamp() RETURNING * INTO link;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO estop.people AS p (issuer, subject, name, person, mandates) VALUES ('local', link.name, link.name, link.person, link.mandates)
    ON CONFLICT (issuer, subject) DO UPDATE SET person = excluded.person, mandates = excluded.mandates;
  INSERT INTO estop.sign_ins (sign_in_id, secret_hash, issuer, subject, method, basis, agent, idle_ms, ends_at)
    VALUES (p_sign_in_id, p_secret_hash, 'local', link.name, 'link', link.basis, left(p_agent, 200), p_idle_ms,
      clock_timestamp() + make_interval(secs => p_life_ms / 1000.0));
  INSERT INTO estop.audit (kind, actor, subject, detail)
    VALUES ('sign-in.begun', link.name, 'sign-in:' || p_sign_in_id, jsonb_build_object('method', 'link'));
  RETURN true;
END $$;

-- Who a secret stands for at this moment. Being asked counts as being used, to within 15 s, so that reading does not mean writing.
CREATE FUNCTION estop.sign_in_of(p_secret_hash bytea) RETURNS TABLE (
  sign_in_id text, issuer text, subject text, name text, person text, mandates jsonb, method text, basis bytea, ends_at timestamptz
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  held estop.sign_ins%ROWTYPE;
  moment timestamptz := clock_timestamp();
BEGIN
  SELECT * INTO held FROM estop.sign_ins s WHERE s.secret_hash = p_secret_hash AND s.ended_at IS NULL AND s.ends_at > moment
    AND s.seen_at + make_interval(secs => s.idle_ms / 1000.0) > moment;
  IF NOT FOUND THEN RETURN; END IF;
  IF held.seen_at < moment - interval '15 seconds' THEN
    UPDATE estop.sign_ins s SET seen_at = moment WHERE s.sign_in_id = held.sign_in_id;
  END IF;
  RETURN QUERY SELECT held.sign_in_id, p.issuer, p.subject, p.name, p.person, p.mandates, held.method, held.basis, held.ends_at
    FROM estop.people p WHERE p.issuer = held.issuer AND p.subject = held.subject AND p.disabled_at IS NULL;
END $$;

CREATE FUNCTION estop.end_sign_in(p_sign_in_id text, p_actor text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  whose text;
BEGIN
  PERFORM estop.commit_durably();
  UPDATE estop.sign_ins s SET ended_at = clock_timestamp(), ended_by = left(p_actor, 200)
    WHERE s.sign_in_id = p_sign_in_id AND s.ended_at IS NULL RETURNING s.subject INTO whose;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO estop.audit (kind, actor, subject, detail)
    VALUES ('sign-in.ended', left(p_actor, 200), 'sign-in:' || p_sign_in_id, jsonb_build_object('of', whose));
  RETURN true;
END $$;

GRANT EXECUTE ON FUNCTION
  estop.make_login_link(bytea, text, text, jsonb, bytea, bigint), estop.login_link_of(bytea),
  estop.redeem_login_link(bytea, text, bytea, text, bigint, bigint), estop.sign_in_of(bytea), estop.end_sign_in(text, text)
  TO estop_control;
