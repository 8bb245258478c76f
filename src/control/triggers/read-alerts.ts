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
 * Alertmanager's webhook, version 4: each firing alert by itself, so that one which cannot be read takes nothing from the others. It is
 * the same alert as long as it has not ended in between, however often it is repeated. What is resolved is nothing to us: nothing here
 * takes a stop back.
 */
export function readAlertmanager(body: unknown): readonly Alert[] {
  const { version, alerts } = fieldsOf(body);
  if (version !== '4') throw invalid('/version', 'This is not version 4 of the webhook of Alertmanager.');
  if (!Array.isArray(alerts) || alerts.length > alertsAtMost)
    throw invalid('/alerts', `A list of at most ${alertsAtMost} alerts is expected.`);
  return alerts.flatMap((raw: unknown): readonly Alert[] => {
    const { status, labels, fingerprint, startsAt } = fieldsOf(raw);
    if (status === 'resolved') return [];
    const fields = plain([...Object.entries(fieldsOf(labels)), ['status', status]]);
    const since = typeof startsAt === 'string' ? Date.parse(startsAt) : Number.NaN;
    const flaw =
      status !== 'firing'
        ? 'the alert is neither firing nor resolved'
        : Number.isNaN(since)
          ? 'the alert does not say since when it is firing'
          : undefined;
    const when = Number.isNaN(since) ? 'undated' : new Date(since).toISOString();
    const alertId = `${printOf(labels, fingerprint)}/${when}`;
    const name = shortName(fields['alertname'] ?? 'alert');
    return [{ alertId, name, fields, ...(flaw === undefined ? {} : { flaw }) }];
  });
}

/**
 * Which alert it is: by its labels, in one order whatever the order in which they come. The fingerprint of the sender is not enough:
 * one that is the same for two alerts would make the second of them no alert.
 */
function printOf(labels: unknown, fingerprint: unknown): string {
  const sorted = Object.entries(fieldsOf(labels)).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const given = typeof fingerprint === 'string' ? fingerprint : null;
  return createHash('sha256')
    .update(JSON.stringify([sorted, given]))
    .digest('hex')
    .slice(0, 32);
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
