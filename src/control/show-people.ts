import type { ApiToken, Elevation, Person, SignIn } from '../contract/http/people.ts';
import type { ApiTokenSummary } from '../store/api-tokens.ts';
import type { ElevationRecord } from '../store/elevations.ts';
import type { PersonRecord } from '../store/people.ts';
import type { SignInSummary } from '../store/sign-ins.ts';
import { writtenIn } from './sign-in/mandates-in.ts';

/** Mandates as they are written down, for readers. */
export const showMandates = (value: unknown): Person['mandates'] =>
  writtenIn(value).flatMap(({ role, labels, since }) =>
    role === 'agent-worker' ? [] : [{ role, labels: labels ?? null, since: since ?? null }],
  );

export function showPerson(record: PersonRecord): Person {
  const { personId, name, person: takenFor, issuer, firstAt } = record;
  return {
    personId,
    name,
    person: takenFor,
    issuer,
    firstAt,
    groups: [...record.groups],
    mandates: showMandates(record.mandates),
    seenAt: record.seenAt ?? null,
    disabledAt: record.disabledAt ?? null,
    disabledBy: record.disabledBy ?? null,
  };
}

export function showSignIn(summary: SignInSummary, thisOne: string | undefined): SignIn {
  const { signInId, name, method, agent, madeAt, seenAt, endsAt } = summary;
  return { signInId, name, method, agent, madeAt, seenAt, endsAt, isThis: signInId === thisOne };
}

export function showApiToken(token: ApiTokenSummary): ApiToken {
  return {
    ...token,
    mandates: showMandates(token.mandates),
    usedAt: token.usedAt ?? null,
    revokedAt: token.revokedAt ?? null,
    revokedBy: token.revokedBy ?? null,
  };
}

export function showElevation(record: ElevationRecord): Elevation {
  const { elevationId, name, role, reason, rule, state, askedAt, lifeMs } = record;
  return {
    elevationId,
    name,
    role,
    reason,
    rule,
    state,
    askedAt,
    minutes: lifeMs / 60_000,
    grantedAt: record.grantedAt ?? null,
    grantedBy: record.grantedBy ?? null,
    endsAt: record.endsAt ?? null,
    endedAt: record.endedAt ?? null,
    endedBy: record.endedBy ?? null,
    reviewedAt: record.reviewedAt ?? null,
    reviewedBy: record.reviewedBy ?? null,
    verdict: record.verdict ?? null,
    reviewNote: record.reviewNote ?? null,
  };
}
