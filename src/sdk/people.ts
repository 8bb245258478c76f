import type { MayGiveReason } from '../contract/http/fields.ts';
import type {
  ApiTokenPage,
  ApiTokenResult,
  AskElevation,
  Elevation,
  ElevationDetail,
  ElevationPage,
  MadeApiToken,
  MakeApiToken,
  PersonPage,
  PersonResult,
  ReviewElevation,
  SignInPage,
  SignInResult,
} from '../contract/http/people.ts';
import { pathSegment } from './path-segment.ts';
import type { Transport } from './transport.ts';

interface Whose {
  /** Those of everybody; for admins. */
  readonly all?: boolean;
}

export interface People {
  list(): Promise<PersonPage>;
  disable(personId: string, why?: MayGiveReason): Promise<PersonResult>;
  enable(personId: string, why?: MayGiveReason): Promise<PersonResult>;
  signIns(whose?: Whose): Promise<SignInPage>;
  endSignIn(signInId: string): Promise<SignInResult>;
}

export interface ApiTokens {
  list(whose?: Whose): Promise<ApiTokenPage>;
  /** The token is in the answer and nowhere else. */
  make(token: MakeApiToken): Promise<MadeApiToken>;
  revoke(tokenId: string): Promise<ApiTokenResult>;
}

export interface Elevations {
  list(which?: { readonly all?: boolean }): Promise<ElevationPage>;
  /** With one page of what was done under it. */
  get(elevationId: string, page?: { readonly cursor?: string; readonly limit?: number }): Promise<ElevationDetail>;
  ask(asked: AskElevation): Promise<Elevation>;
  grant(elevationId: string): Promise<Elevation>;
  end(elevationId: string): Promise<Elevation>;
  review(elevationId: string, review: ReviewElevation): Promise<Elevation>;
}

export function createPeople(call: Transport, baseUrl: string): People {
  return {
    list: () => call({ method: 'GET', baseUrl, path: '/v1/people' }),
    disable: (id, { reason } = {}) =>
      call({ method: 'POST', baseUrl, path: `/v1/people/${pathSegment(id)}:disable`, body: { reason } }),
    enable: (id, { reason } = {}) =>
      call({ method: 'POST', baseUrl, path: `/v1/people/${pathSegment(id)}:enable`, body: { reason } }),
    signIns: (query = {}) => call({ method: 'GET', baseUrl, path: '/v1/sign-ins', query: { ...query } }),
    endSignIn: (id) => call({ method: 'POST', baseUrl, path: `/v1/sign-ins/${pathSegment(id)}:end` }),
  };
}

export function createApiTokens(call: Transport, baseUrl: string): ApiTokens {
  return {
    list: (query = {}) => call({ method: 'GET', baseUrl, path: '/v1/api-tokens', query: { ...query } }),
    make: (body) => call({ method: 'POST', baseUrl, path: '/v1/api-tokens', body }),
    revoke: (id) => call({ method: 'POST', baseUrl, path: `/v1/api-tokens/${pathSegment(id)}:revoke` }),
  };
}

export function createElevations(call: Transport, baseUrl: string): Elevations {
  const on = (id: string, verb: string, body?: unknown): Promise<Elevation> =>
    call({ method: 'POST', baseUrl, path: `/v1/elevations/${pathSegment(id)}:${verb}`, body });
  return {
    list: (query = {}) => call({ method: 'GET', baseUrl, path: '/v1/elevations', query: { ...query } }),
    get: (id, query = {}) =>
      call({ method: 'GET', baseUrl, path: `/v1/elevations/${pathSegment(id)}`, query: { ...query } }),
    ask: (body) => call({ method: 'POST', baseUrl, path: '/v1/elevations', body }),
    grant: (id) => on(id, 'grant'),
    end: (id) => on(id, 'end'),
    review: (id, body) => on(id, 'review', body),
  };
}
