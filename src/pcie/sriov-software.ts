import { hex } from '../base/index.ts';
import { ECAP_SRIOV } from './capabilities/ids.ts';
import {
  SRIOV_CAPABILITIES,
  SRIOV_CONTROL,
  SRIOV_FIRST_VF_OFFSET,
  SRIOV_INITIAL_VFS,
  SRIOV_NUM_VFS,
  SRIOV_TOTAL_VFS,
  SRIOV_VF_STRIDE,
  VF_ENABLE,
  VF_MEMORY_SPACE_ENABLE,
} from './capabilities/sriov.ts';
import type { ConfigAccess } from './config-access.ts';
import { VF_DISABLE_MS } from './enumerate-sriov.ts';
import type { EnumeratedFunction, EnumeratedSriov } from './enumerated.ts';
import { VENDOR_ID } from './header.ts';
import { listCapabilities, offsetOf } from './probe.ts';
import { busOf, formatRoutingId, type RoutingId } from './routing-id.ts';

/** Error numbers by the names that Linux gives them. */
export type SriovErrorCode = 'EINVAL' | 'EBUSY' | 'EIO' | 'ENOMEM' | 'ERANGE' | 'ENODEV' | 'ENOSYS';

/** Why VFs could not be enabled or disabled. */
export class SriovError extends Error {
  override readonly name = 'SriovError';
  readonly code: SriovErrorCode;

  constructor(code: SriovErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Milliseconds that software waits after setting VF Enable before it touches a VF (SR-IOV 1.1 3.3.3.1). */
export const VF_ENABLE_MS = 100;

/** What the driver of a PF lends to {@link enableVfs} and {@link setNumVfs}. */
export interface SriovSoftwareOptions {
  /** Lets time pass. */
  readonly wait: (milliseconds: number) => void;
  /** Most VFs that the driver of the PF allows. Default TotalVFs. */
  readonly maximum?: number;
}

/**
 * Brings `count` VFs as an operating system does: NumVFs, then VF Enable with VF MSE, then 100 ms. Returns their Routing
 * IDs, from First VF Offset and VF Stride as they read with this NumVFs. With 0 nothing happens.
 *
 * @throws SriovError `EINVAL` if VFs are enabled already or `count` is above TotalVFs, `EIO` if the capability contradicts
 *   itself or the port above does not reach so many VFs, `ENOMEM` if a VF BAR has no address or a VF would be on a bus out
 *   of reach, `ENODEV` or `ENOSYS` if the function that the PF depends on is missing or is no PF, `ERANGE` if `count` is
 *   above what the driver allows.
 * @example
 * const routingIds = enableVfs(root, nic, 4, { wait: (ms) => machine.runFor(ms) });
 */
export function enableVfs(
  access: ConfigAccess,
  fn: EnumeratedFunction,
  count: number,
  options: SriovSoftwareOptions,
): RoutingId[] {
  return run(enablingVfs(access, fn, count, options.maximum), options.wait);
}

/**
 * Takes the VFs away: VF Enable and VF MSE off, 1 s, NumVFs 0. Without VFs nothing happens.
 *
 * @throws SriovError `EINVAL` if the function has no SR-IOV.
 */
export function disableVfs(
  access: ConfigAccess,
  fn: EnumeratedFunction,
  options: Pick<SriovSoftwareOptions, 'wait'>,
): void {
  run(disablingVfs(access, fn), options.wait);
}

/**
 * {@link enableVfs} as a generator: it yields the milliseconds to wait, for callers that cannot block.
 */
export function* enablingVfs(
  access: ConfigAccess,
  fn: EnumeratedFunction,
  count: number,
  maximum?: number,
): Generator<number, RoutingId[], void> {
  const sriov = sriovOf(fn);
  if (!Number.isInteger(count) || count < 0) {
    throw new SriovError('EINVAL', `${fn.name}: the number of VFs must be an integer from 0, got ${count}`);
  }
  if (count === 0) return [];
  if (maximum !== undefined && count > maximum) {
    throw new SriovError('ERANGE', `${fn.name}: ${count} VFs requested, the driver allows ${maximum}`);
  }
  const read16 = (at: number) => access.read(fn.routingId, sriov.offset + at, 2);
  const write16 = (at: number, value: number) => access.write(fn.routingId, sriov.offset + at, 2, value);
  const control = read16(SRIOV_CONTROL);
  if ((control & VF_ENABLE) !== 0) {
    throw new SriovError('EINVAL', `${fn.name}: ${read16(SRIOV_NUM_VFS)} VFs are enabled already`);
  }
  const total = read16(SRIOV_TOTAL_VFS);
  const initial = read16(SRIOV_INITIAL_VFS);
  const canMigrate = (access.read(fn.routingId, sriov.offset + SRIOV_CAPABILITIES, 4) & 1) !== 0;
  if (initial > total || (!canMigrate && initial !== total)) {
    throw new SriovError('EIO', `${fn.name}: InitialVFs is ${initial} and TotalVFs is ${total}`);
  }
  if (count > total) {
    throw new SriovError('EINVAL', `${fn.name}: ${count} VFs requested, TotalVFs is ${total}`);
  }
  if (count > sriov.reachableVfs) {
    throw new SriovError(
      'EIO',
      `${fn.name}: ${count} VFs requested, more than ${sriov.reachableVfs} need ARI forwarding`,
    );
  }
  const homeless = sriov.vfBars.find((bar) => bar.address < 0);
  if (homeless !== undefined) {
    throw new SriovError('ENOMEM', `${fn.name}: VF BAR ${homeless.index} has no address`);
  }
  checkDependency(access, fn, sriov);

  write16(SRIOV_NUM_VFS, count);
  const first = read16(SRIOV_FIRST_VF_OFFSET);
  const stride = read16(SRIOV_VF_STRIDE);
  const last = fn.routingId + first + stride * (count - 1);
  if (first === 0 || (stride === 0 && count > 1)) {
    write16(SRIOV_NUM_VFS, 0);
    throw new SriovError('EIO', `${fn.name}: First VF Offset ${first} and VF Stride ${stride} are of no use`);
  }
  if (last >> 8 > fn.lastBus) {
    write16(SRIOV_NUM_VFS, 0);
    const own = busOf(fn.routingId);
    const range = own === fn.lastBus ? hex(own, 2) : `${hex(own, 2)}-${hex(fn.lastBus, 2)}`;
    throw new SriovError(
      'ENOMEM',
      `${fn.name}: can't enable ${count} VFs (bus ${hex(last >> 8, 2)} out of range of [bus ${range}])`,
    );
  }
  write16(SRIOV_CONTROL, control | VF_ENABLE | VF_MEMORY_SPACE_ENABLE);
  yield VF_ENABLE_MS;
  return Array.from({ length: count }, (_, i) => (fn.routingId + first + stride * i) & 0xffff);
}

/** {@link disableVfs} as a generator: it yields the milliseconds to wait. */
export function* disablingVfs(access: ConfigAccess, fn: EnumeratedFunction): Generator<number, void, void> {
  const { offset } = sriovOf(fn);
  const control = access.read(fn.routingId, offset + SRIOV_CONTROL, 2);
  if ((control & VF_ENABLE) === 0) return;
  const off = control & ~(VF_ENABLE | VF_MEMORY_SPACE_ENABLE);
  access.write(fn.routingId, offset + SRIOV_CONTROL, 2, off);
  yield VF_DISABLE_MS;
  access.write(fn.routingId, offset + SRIOV_NUM_VFS, 2, 0);
}

/**
 * What writing a number to `sriov_numvfs` does: the number that is set already changes nothing, 0 takes the VFs away, and
 * another number is refused while there are VFs. Returns the Routing IDs of the VFs that exist afterwards.
 *
 * @throws SriovError `EBUSY` while there are VFs, and all that {@link enableVfs} throws; `ERANGE` before anything else.
 */
export function setNumVfs(
  access: ConfigAccess,
  fn: EnumeratedFunction,
  count: number,
  options: SriovSoftwareOptions,
): RoutingId[] {
  const sriov = sriovOf(fn);
  const maximum = options.maximum ?? sriov.totalVfs;
  if (count > maximum) {
    throw new SriovError('ERANGE', `${fn.name}: ${count} VFs requested, ${maximum} are allowed`);
  }
  const current = currentVfs(access, fn);
  if (count === current.length) return current;
  if (count === 0) {
    disableVfs(access, fn, options);
    return [];
  }
  if (current.length > 0) {
    throw new SriovError(
      'EBUSY',
      `${fn.name}: ${current.length} VFs are enabled: disable them before ${count}`,
    );
  }
  return enableVfs(access, fn, count, options);
}

/** Routing IDs of the VFs that are enabled now. */
export function currentVfs(access: ConfigAccess, fn: EnumeratedFunction): RoutingId[] {
  const { offset } = sriovOf(fn);
  const read16 = (at: number) => access.read(fn.routingId, offset + at, 2);
  if ((read16(SRIOV_CONTROL) & VF_ENABLE) === 0) return [];
  const first = read16(SRIOV_FIRST_VF_OFFSET);
  const stride = read16(SRIOV_VF_STRIDE);
  const count = read16(SRIOV_NUM_VFS);
  return Array.from({ length: count }, (_, i) => (fn.routingId + first + stride * i) & 0xffff);
}

function sriovOf(fn: EnumeratedFunction): EnumeratedSriov {
  if (fn.sriov === undefined) throw new SriovError('EINVAL', `${fn.name} has no SR-IOV`);
  return fn.sriov;
}

/** The PF that this one depends on must be there (SR-IOV 1.1 3.3.8). */
function checkDependency(access: ConfigAccess, fn: EnumeratedFunction, sriov: EnumeratedSriov): void {
  const link = sriov.functionDependencyLink;
  if (link === (fn.routingId & 0xff)) return;
  const routingId = (fn.routingId & 0xff00) | link;
  const name = formatRoutingId(routingId);
  if (access.read(routingId, VENDOR_ID, 2) === 0xffff) {
    throw new SriovError('ENODEV', `${fn.name} depends on ${name}, which is not there`);
  }
  if (offsetOf(listCapabilities(access, routingId), ECAP_SRIOV, true) === 0) {
    throw new SriovError('ENOSYS', `${fn.name} depends on ${name}, which has no SR-IOV`);
  }
}

function run<T>(steps: Generator<number, T, void>, wait: (milliseconds: number) => void): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    wait(step.value);
  }
}
