import { queuePairBytes } from '../drivers/index.ts';
import { GUEST_FIRST_FREE } from '../host/index.ts';
import type { ProblemReporter } from './scenario-error.ts';
import type { ResolvedGuest, ResolvedHost } from './scenario-resolved.ts';

const MIB = 2 ** 20;
/** Memory below the window for 32-bit BARs, in MiB, without the first, which is left alone. */
const LOW_MIB = 2047;
/** The host's own drivers. */
const HOST_MIB = 65;

/**
 * Checks that the rings of the guests' drivers fit into the guests, and the guests into the host.
 *
 * @throws {@link ScenarioError}
 */
export function checkMemory(
  guests: readonly ResolvedGuest[],
  host: ResolvedHost,
  reporter: ProblemReporter,
): void {
  for (const [index, guest] of guests.entries()) checkRings(guest, `guests[${index}].memoryMiB`, reporter);
  if (host.iommu) checkPages(guests, host, reporter);
  else checkPieces(guests, host, reporter);
}

function checkRings(
  { memoryMiB, ringSize, vfs }: ResolvedGuest,
  path: string,
  reporter: ProblemReporter,
): void {
  const neededMiB = Math.ceil((GUEST_FIRST_FREE + vfs.length * queuePairBytes(ringSize)) / MIB);
  if (memoryMiB >= neededMiB) return;
  const rings = `rings of ${ringSize} descriptors${vfs.length === 1 ? '' : ` for ${vfs.length} VFs`}`;
  reporter.fail(path, memoryMiB, `${memoryMiB} MiB do not hold ${rings}`, `${neededMiB} or more`);
}

/** With an IOMMU a guest is made of pages from anywhere, and has tables that map them. */
function checkPages(guests: readonly ResolvedGuest[], host: ResolvedHost, reporter: ProblemReporter): void {
  let leftMiB = host.memoryGiB * 1024 - HOST_MIB;
  for (const [index, { memoryMiB }] of guests.entries()) {
    // A table of 4 KiB for 2 MiB: a 512th; and up to 2 MiB for the upper tables and what is lost in rounding.
    const most = Math.max(0, Math.floor(((leftMiB - 2) * 256) / 257));
    if (memoryMiB > most) tooLarge(index, memoryMiB, most, host, reporter);
    leftMiB -= memoryMiB + Math.ceil(memoryMiB / 256) + 2;
  }
}

/** Without an IOMMU a guest is one piece. */
function checkPieces(guests: readonly ResolvedGuest[], host: ResolvedHost, reporter: ProblemReporter): void {
  const totalMiB = host.memoryGiB * 1024;
  // Pieces come from above 4 GiB where there is memory: from the second of these, the host's own first.
  const left = [Math.min(LOW_MIB, totalMiB - 1), Math.max(0, totalMiB - LOW_MIB - 1)];
  const take = (mib: number) => {
    const region = left[1] >= mib ? 1 : 0;
    if (left[region] < mib) return false;
    left[region] -= mib;
    return true;
  };
  take(HOST_MIB - 1);
  for (const [index, { memoryMiB }] of guests.entries()) {
    const most = 2 * Math.floor(Math.max(...left) / 2);
    if (!take(2 * Math.ceil(memoryMiB / 2))) tooLarge(index, memoryMiB, most, host, reporter);
  }
}

function tooLarge(
  index: number,
  memoryMiB: number,
  mostMiB: number,
  { memoryGiB, iommu }: ResolvedHost,
  reporter: ProblemReporter,
): never {
  const piece = iommu ? '' : ' in one piece';
  const problem = `${memoryMiB} MiB are more than the host has left${piece} of its ${memoryGiB} GiB`;
  return reporter.fail(`guests[${index}].memoryMiB`, memoryMiB, problem, `up to ${mostMiB}`);
}
