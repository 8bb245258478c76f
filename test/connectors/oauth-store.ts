import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

/** What the OAuth server keeps, and what it ever kept: so that a test can bring back what was deleted, or take away what is there. */
export interface OauthStore {
  readonly adapter: AdapterFactory;
  set(model: string, id: string, payload: AdapterPayload): void;
  delete(model: string, id: string): void;
  /** The ids of what this client has now, or anybody. */
  ids(model: string, clientId?: string): readonly string[];
  clientsNamed(name: string): readonly string[];
  /** As a backup of the moment after it was issued would: this client, its rights and every token it was ever given. */
  restoreClient(clientId: string): void;
}

interface Kept {
  readonly model: string;
  readonly id: string;
  readonly payload: AdapterPayload;
}

export function createOauthStore(): OauthStore {
  const now = new Map<string, Kept>();
  const first = new Map<string, Kept>();
  const keyOf = (model: string, id: string): string => `${model}:${id}`;
  const keep = (kept: Kept): void => {
    const key = keyOf(kept.model, kept.id);
    now.set(key, kept);
    if (!first.has(key)) first.set(key, kept);
  };
  return {
    adapter: (model) => adapterOf(model, now, (id, payload) => keep({ model, id, payload })),
    set: (model, id, payload) => keep({ model, id, payload }),
    ids: (model, clientId) =>
      [...now.values()]
        .filter((kept) => kept.model === model && (clientId === undefined || kept.payload.clientId === clientId))
        .map(({ id }) => id),
    clientsNamed: (name) =>
      [...now.values()]
        .filter((kept) => kept.model === 'Client' && kept.payload['client_name'] === name)
        .map(({ id }) => id),
    delete: (model, id) => void now.delete(keyOf(model, id)),
    restoreClient: (clientId) => {
      for (const kept of first.values()) {
        if (kept.payload['client_id'] === clientId || kept.payload.clientId === clientId) keep(kept);
      }
    },
  };
}

function adapterOf(
  model: string,
  now: Map<string, Kept>,
  keep: (id: string, payload: AdapterPayload) => void,
): Adapter {
  const found = (where: (payload: AdapterPayload) => boolean): AdapterPayload | undefined =>
    [...now.values()].find((kept) => kept.model === model && where(kept.payload))?.payload;
  return {
    upsert: async (id, payload) => keep(id, structuredClone(payload)),
    find: async (id) => structuredClone(now.get(`${model}:${id}`)?.payload),
    findByUserCode: async (userCode) => found((payload) => payload.userCode === userCode),
    findByUid: async (uid) => found((payload) => payload.uid === uid),
    consume: async (id) => {
      const kept = now.get(`${model}:${id}`);
      if (kept !== undefined) keep(id, { ...kept.payload, consumed: Math.floor(Date.now() / 1_000) });
    },
    destroy: async (id) => void now.delete(`${model}:${id}`),
    // The server asks it of one model at a time, for each model that hangs on a Grant.
    revokeByGrantId: async (grantId) => {
      for (const [key, kept] of now) if (kept.model === model && kept.payload.grantId === grantId) now.delete(key);
    },
  };
}
