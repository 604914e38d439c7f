import { expect, it } from 'vitest';
import { ProbeKind } from '../../src/kernel/index.ts';
import type { Train } from '../../src/sim/life/trains.ts';
import { Translations } from '../../src/sim/life/translations.ts';
import { HEADER } from '../trace/log-fixture.ts';

const { PAGE_WALK, PAGE_WALK_END } = ProbeKind;
const FUNCTION = 0x180;
const PAGE = 0x209;

it.each([
  [999, 'joined'],
  [1000, undefined],
  [1001, 'hit'],
])('a request at %d ps, the walk for its page being one from 100 to 1000 ps: %s', (arrivalPs, outcome) => {
  const translations = new Translations({ ...HEADER, kinds: { PAGE_WALK_END } }, 4);
  const train = { requester: FUNCTION, address: PAGE * 4096 + 8, arrivalPs } as Train;
  const record = (timePs: number, kind: number, c = 0) =>
    translations.record({ timePs, kind, a: FUNCTION, b: PAGE, c, data: null });
  record(100, PAGE_WALK);
  translations.follow(train);
  record(1000, PAGE_WALK_END, 4 | (1 << 8));
  record(5000, PAGE_WALK);
  expect(translations.of(train)?.outcome).toBe(outcome);
});
