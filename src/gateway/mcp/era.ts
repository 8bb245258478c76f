/** `modern`: without sessions, from 2026-07-28 on. `legacy`: the revisions before it. */
export type Era = 'modern' | 'legacy';
export type RequestId = string | number;
