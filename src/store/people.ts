import { call, callOne, type Store } from './pool.ts';
import { bool, json, present, type Row, text, textOrUndefined, texts, word } from './row.ts';

export interface PersonRecord {
  readonly personId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly name: string;
  readonly person: string;
  readonly groups: readonly string[];
  readonly mandates: unknown;
  readonly firstAt: string;
  readonly seenAt?: string;
  readonly disabledAt?: string;
  readonly disabledBy?: string;
}

/** Everybody who ever signed in, by name. */
export async function listPeople(store: Store): Promise<readonly PersonRecord[]> {
  const query = `SELECT p.*, (SELECT max(s.seen_at) FROM estop.sign_ins s WHERE s.person_id = p.person_id) AS seen_at
    FROM estop.people p ORDER BY p.name, p.person_id LIMIT 10000`;
  return (await call(store, 'list_people', query, [])).map(personIn);
}

/** So many of them, behind this one; from the beginning behind ''. */
export async function peopleAfter(store: Store, personId: string, atMost: number): Promise<readonly PersonRecord[]> {
  const query =
    'SELECT p.*, NULL::timestamptz AS seen_at FROM estop.people p WHERE p.person_id > $1 ORDER BY p.person_id LIMIT $2';
  return (await call(store, 'people_after', query, [personId, atMost])).map(personIn);
}

function personIn(row: Row): PersonRecord {
  return {
    personId: text(row, 'person_id'),
    issuer: text(row, 'issuer'),
    subject: text(row, 'subject'),
    name: text(row, 'name'),
    person: text(row, 'person'),
    groups: texts(row, 'groups'),
    mandates: json(row, 'mandates'),
    firstAt: text(row, 'first_at'),
    ...present({
      seenAt: textOrUndefined(row, 'seen_at'),
      disabledAt: textOrUndefined(row, 'disabled_at'),
      disabledBy: textOrUndefined(row, 'disabled_by'),
    }),
  };
}

export async function getPerson(store: Store, personId: string): Promise<PersonRecord | undefined> {
  const query = 'SELECT p.*, NULL::timestamptz AS seen_at FROM estop.people p WHERE p.person_id = $1';
  const [row] = await call(store, 'get_person', query, [personId]);
  return row === undefined ? undefined : personIn(row);
}

/** True if that was a change. What was given before keeps its date. */
export async function setMandates(store: Store, personId: string, person: string, mandates: unknown): Promise<boolean> {
  const values = [personId, person, JSON.stringify(mandates)];
  return bool(
    await callOne(store, 'set_mandates', 'SELECT estop.set_mandates($1, $2, $3) AS changed', values),
    'changed',
  );
}

/** Whether an admin has disabled whoever goes by this name, and nobody of it is let in. */
export async function isDisabled(store: Store, name: string): Promise<boolean> {
  const query =
    'SELECT coalesce(bool_and(p.disabled_at IS NOT NULL), false) AS disabled FROM estop.people p WHERE p.name = $1';
  return bool(await callOne(store, 'is_disabled', query, [name]), 'disabled');
}

/** Every sign-in of theirs ends with it. */
export async function disablePerson(
  store: Store,
  personId: string,
  isDisabled: boolean,
  actor: string,
  reason?: string,
): Promise<'done' | 'already' | 'unknown'> {
  const query = 'SELECT estop.disable_person($1, $2, $3, $4) AS outcome';
  const row = await callOne(store, 'disable_person', query, [personId, isDisabled, actor, reason ?? null]);
  return word(row, 'outcome', ['done', 'already', 'unknown'] as const);
}
