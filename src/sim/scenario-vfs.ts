import { type ProblemReporter, showValue } from './scenario-error.ts';
import { SCENARIO_DEFAULTS } from './scenario-limits.ts';
import type { GuestOptions, VfOptions } from './scenario-types.ts';

/** A VF and the place in a scenario that asks for it. */
export interface VfPlace {
  vf: number;
  /** Index of the guest. */
  guest: number;
  /** Place among the guest's VFs. */
  index: number;
  path: string;
  options: VfOptions;
}

/**
 * Numbers the VFs that guests ask for, in order of guests: those with a number get it, the others the lowest that
 * nobody asks for.
 *
 * @param enabled VFs of the card, or undefined to enable what is needed.
 * @param usable VFs that the card's driver enables at most.
 */
export function allocateVfs(
  guests: readonly GuestOptions[],
  enabled: number | undefined,
  usable: number,
  reporter: ProblemReporter,
): VfPlace[] {
  const limit = enabled ?? usable;
  const wishes = guests.flatMap((guest, index) => wishesOf(guest, index, limit, reporter));
  const owners = new Map<number, (typeof wishes)[number]>();
  for (const wish of wishes) {
    const wanted = wish.options.vf;
    if (wanted === undefined) continue;
    const path = `${wish.path}.vf`;
    if (!Number.isInteger(wanted) || wanted < 0 || wanted >= limit) {
      const allowed = limit === 0 ? 'none: nic.vfs is 0' : `0 to ${limit - 1}`;
      reporter.fail(path, wanted, `VF ${wanted} does not exist`, allowed);
    }
    const owner = owners.get(wanted);
    if (owner !== undefined) {
      const problem = `VF ${wanted} already belongs to ${owner.path}`;
      reporter.fail(path, wanted, problem, 'a VF of its own');
    }
    owners.set(wanted, wish);
  }
  let next = 0;
  return wishes.map((wish) => {
    let vf = wish.options.vf;
    if (vf === undefined) {
      while (owners.has(next)) next++;
      if (next >= limit)
        tooMany(wish.place, wish.value, wishes.length, limit, enabled !== undefined, reporter);
      vf = next;
      owners.set(vf, wish);
    }
    return { vf, guest: wish.guest, index: wish.index, path: wish.path, options: wish.options };
  });
}

function wishesOf(guest: GuestOptions, index: number, limit: number, reporter: ProblemReporter) {
  const place = `guests[${index}].vfs`;
  const value = guest.vfs ?? SCENARIO_DEFAULTS.vfsPerGuest;
  if (Array.isArray(value)) {
    return value.map((options, i) => ({
      guest: index,
      index: i,
      path: `${place}[${i}]`,
      place,
      value: value.length,
      options,
    }));
  }
  if (!Number.isInteger(value) || value < 0 || value > limit) {
    reporter.fail(place, value, `${showValue(value)} VFs are not there to give`, `0 to ${limit}`);
  }
  const options: VfOptions = {};
  return Array.from({ length: value }, (_, i) => ({
    guest: index,
    index: i,
    path: place,
    place,
    value,
    options,
  }));
}

function tooMany(
  path: string,
  value: number,
  wanted: number,
  limit: number,
  enabled: boolean,
  reporter: ProblemReporter,
): never {
  const has = enabled ? `nic.vfs is ${limit}` : `the card has ${limit}`;
  return reporter.fail(path, value, `the guests ask for ${wanted} VFs, but ${has}`, `${limit} VFs in all`);
}
