-- What each connector said when it was last asked whether it could cut off now. Kept here because who asks (the control worker, which
-- holds the secrets) is not who shows it.
CREATE TABLE estop.connector_checks (
  connector  text PRIMARY KEY,
  system     text NOT NULL,
  ok         boolean NOT NULL,
  findings   text[] NOT NULL,
  took_ms    integer NOT NULL,
  checked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Since when it says the same.
  since      timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The newest that was proved dead at each, whatever has been proved in years.
CREATE INDEX obligations_proved ON estop.obligations (connector, proved_at) WHERE state = 'proved';

-- Only a change is an event: a connector that cannot cut off is written down once, and once more when it can again.
CREATE FUNCTION estop.note_connector_check(p_connector text, p_system text, p_ok boolean, p_findings text[], p_took_ms integer) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  was boolean;
BEGIN
  SELECT c.ok INTO was FROM estop.connector_checks c WHERE c.connector = p_connector FOR UPDATE;
  INSERT INTO estop.connector_checks AS c (connector, system, ok, findings, took_ms) VALUES (p_connector, p_system, p_ok, p_findings, p_took_ms)
    ON CONFLICT (connector) DO UPDATE SET system = excluded.system, ok = excluded.ok, findings = excluded.findings, took_ms = excluded.took_ms,
      checked_at = clock_timestamp(), since = CASE WHEN c.ok = excluded.ok THEN c.since ELSE clock_timestamp() END;
  IF was IS DISTINCT FROM p_ok AND (was IS NOT NULL OR NOT p_ok) THEN
    INSERT INTO estop.audit (kind, actor, subject, detail, before, after)
      VALUES (CASE WHEN p_ok THEN 'connector.ready' ELSE 'connector.not-ready' END, 'self-check', 'connector:' || left(p_connector, 200),
        jsonb_build_object('findings', to_jsonb(p_findings)), jsonb_build_object('ready', was), jsonb_build_object('ready', p_ok));
  END IF;
END $$;

GRANT EXECUTE ON FUNCTION estop.note_connector_check(text, text, boolean, text[], integer) TO estop_revoker;
GRANT SELECT ON estop.connector_checks TO estop_control, estop_revoker;
