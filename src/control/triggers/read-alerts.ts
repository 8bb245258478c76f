import { createHash } from 'node:crypto';
import { EstopError } from '../../core/errors.ts';
import { type AlertFields, fieldLength } from '../../core/trigger.ts';
import type { Alert } from '../../store/triggers.ts';

const fieldPattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
type Named = readonly [name: string, value: unknown];

const fieldsAtMost = 200;
const alertsAtMost = 5_000;

/** One signed webhook: `type`, and what is plain in `data`, two levels deep. Everything else in it is not looked at. */
export function readWebhook(webhookId: string, body: unknown): readonly Alert[] {
  const { type, data } = fieldsOf(body);
  if (typeof type !== 'string') throw invalid('/type', 'A webhook says what it is.');
  const inner = Object.entries(fieldsOf(data)).flatMap(([name, value]): readonly Named[] =>
    isPlain(value)
      ? [[name, value]]
      : Object.entries(fieldsOf(value)).map(([below, deep]): Named => [`${name}.${below}`, deep]),
  );
  return [{ alertId: webhookId, name: shortName(type), fields: plain([...inner, ['type', type]]) }];
}

/**
 * Alertmanager's webhook, version 4: each firing alert by itself. It is the same alert as long as it has not ended in between, however
 * often it is repeated. What is resolved is nothing to us: nothing here takes a stop back.
 */
export function readAlertmanager(body: unknown): readonly Alert[] {
  const { version, alerts } = fieldsOf(body);
  if (version !== '4') throw invalid('/version', 'This is not version 4 of the webhook of Alertmanager.');
  if (!Array.isArray(alerts) || alerts.length > alertsAtMost)
    throw invalid('/alerts', `A list of at most ${alertsAtMost} alerts is expected.`);
  return alerts.flatMap((raw: unknown, index): Alert[] => {
    const { status, labels, fingerprint, startsAt } = fieldsOf(raw);
    if (status !== 'firing') return [];
    if (typeof startsAt !== 'string' || Number.isNaN(Date.parse(startsAt)))
      throw invalid(`/alerts/${index}/startsAt`, 'An alert says since when.');
    const fields = plain([...Object.entries(fieldsOf(labels)), ['status', status]]);
    const print =
      typeof fingerprint === 'string' && /^[0-9a-f]{1,64}$/.test(fingerprint) ? fingerprint : printOf(fields);
    const name = fields['alertname'] ?? 'alert';
    return [{ alertId: `${print}/${new Date(startsAt).toISOString()}`, name: shortName(name), fields }];
  });
}

/** Of the labels in one order, whatever the order in which they come. */
function printOf(fields: AlertFields): string {
  const sorted = Object.keys(fields)
    .toSorted()
    .map((name) => [name, fields[name]]);
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 32);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>) // an object; each member is looked at before it is believed
    : {};
}

const isPlain = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

/** What is longer than any id or name of ours cannot be one, and is left out. */
const plain = (entries: readonly Named[]): AlertFields =>
  Object.fromEntries(
    entries
      .filter(([name, value]) => fieldPattern.test(name) && isPlain(value) && String(value).length <= fieldLength)
      .slice(-fieldsAtMost)
      .map(([name, value]) => [name, String(value)]),
  );

const shortName = (name: string): string => name.slice(0, 80);

const invalid = (pointer: string, message: string): EstopError =>
  new EstopError('invalid-input', { fields: [{ pointer, message }] });
