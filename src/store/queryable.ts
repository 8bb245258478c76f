import type { Pool } from 'pg';

/** A pool, or one connection of it: whoever calls decides what else happens on it. */
export type Queryable = Pick<Pool, 'query'>;
