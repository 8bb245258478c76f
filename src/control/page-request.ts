import type { PageRequest } from '../store/page.ts';

export const pageRequest = ({
  limit,
  cursor,
}: {
  readonly limit: number;
  readonly cursor?: string | undefined;
}): PageRequest => ({
  limit,
  ...(cursor === undefined ? {} : { cursor }),
});
