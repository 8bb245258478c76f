-- What stands between a sign-in and its provider, and every process of control has to know.

-- A terminal that waits for its person to confirm at the provider. What the provider calls it is sealed by the terminal's own handle,
-- which is not here: nobody who reads this takes its place.
CREATE TABLE estop.terminal_waits (
  handle_hash bytea PRIMARY KEY,
  sealed      bytea NOT NULL,
  every_ms    bigint NOT NULL,
  next_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  ends_at     timestamptz NOT NULL
);
CREATE INDEX terminal_waits_end ON estop.terminal_waits (ends_at);

-- What a provider has said of sign-outs, by its hash, until nobody would believe it any more: said again, to whichever process, it ends
-- nothing that was begun since.
CREATE TABLE estop.sign_out_words (
  issuer    text NOT NULL,
  word_hash bytea NOT NULL,
  until     timestamptz NOT NULL,
  PRIMARY KEY (issuer, word_hash)
);
CREATE INDEX sign_out_words_until ON estop.sign_out_words (until);

CREATE FUNCTION estop.begin_terminal(p_handle_hash bytea, p_sealed bytea, p_every_ms bigint, p_life_ms bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM estop.terminal_waits d WHERE d.handle_hash IN (SELECT w.handle_hash FROM estop.terminal_waits w
    WHERE w.ends_at < clock_timestamp() ORDER BY w.ends_at LIMIT 100 FOR UPDATE SKIP LOCKED);
  INSERT INTO estop.terminal_waits (handle_hash, sealed, every_ms, ends_at)
    VALUES (p_handle_hash, p_sealed, p_every_ms, clock_timestamp() + make_interval(secs => p_life_ms / 1000.0));
END $$;

-- Whoever finds it due asks the provider; asked more often than the provider wants, in whichever process, it is not due.
CREATE FUNCTION estop.ask_terminal(p_handle_hash bytea) RETURNS TABLE (sealed bytea, every_ms bigint, due boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
  moment timestamptz := clock_timestamp();
BEGIN
  RETURN QUERY UPDATE estop.terminal_waits w SET next_at = moment + make_interval(secs => w.every_ms / 1000.0)
    WHERE w.handle_hash = p_handle_hash AND w.ends_at > moment AND w.next_at <= moment RETURNING w.sealed, w.every_ms, true;
  IF FOUND THEN RETURN; END IF;
  RETURN QUERY SELECT w.sealed, w.every_ms, false FROM estop.terminal_waits w WHERE w.handle_hash = p_handle_hash AND w.ends_at > moment;
END $$;

CREATE FUNCTION estop.end_terminal(p_handle_hash bytea) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM estop.terminal_waits WHERE handle_hash = p_handle_hash
$$;

-- The provider says that somebody has signed out there: in one of its sessions, or altogether. Null: it has said so before. Heard and
-- done are one commit, so that a word whose doing failed counts when it comes again.
CREATE FUNCTION estop.end_sign_ins_of(p_issuer text, p_subject text, p_issuer_sid text, p_word_hash bytea, p_memory_ms bigint) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ended integer;
BEGIN
  PERFORM estop.commit_durably();
  DELETE FROM estop.sign_out_words d WHERE (d.issuer, d.word_hash) IN (SELECT w.issuer, w.word_hash FROM estop.sign_out_words w
    WHERE w.until < clock_timestamp() ORDER BY w.until LIMIT 100 FOR UPDATE SKIP LOCKED);
  INSERT INTO estop.sign_out_words (issuer, word_hash, until)
    VALUES (p_issuer, p_word_hash, clock_timestamp() + make_interval(secs => p_memory_ms / 1000.0)) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN NULL; END IF;
  UPDATE estop.sign_ins s SET ended_at = clock_timestamp(), ended_by = 'identity-provider' FROM estop.people p
    WHERE s.person_id = p.person_id AND p.issuer = p_issuer AND s.ended_at IS NULL
      AND (p_subject IS NULL OR p.subject = p_subject) AND (p_issuer_sid IS NULL OR s.issuer_sid = p_issuer_sid)
      AND NOT (p_subject IS NULL AND p_issuer_sid IS NULL);
  GET DIAGNOSTICS ended = ROW_COUNT;
  IF ended > 0 THEN
    INSERT INTO estop.audit (kind, actor, subject, method, before, after) VALUES ('sign-in.ended', 'identity-provider', 'issuer:' || left(p_issuer, 300),
      'identity-provider', jsonb_build_object('open', ended), jsonb_build_object('open', 0, 'ended', ended));
  END IF;
  RETURN ended;
END $$;

GRANT EXECUTE ON FUNCTION
  estop.begin_terminal(bytea, bytea, bigint, bigint), estop.ask_terminal(bytea), estop.end_terminal(bytea),
  estop.end_sign_ins_of(text, text, text, bytea, bigint)
  TO estop_control;
