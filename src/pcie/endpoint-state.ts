import { ECAP_SRIOV } from './capabilities/ids.ts';
import { TRANSACTIONS_PENDING } from './capabilities/pci-express.ts';
import type { ConfigSpace } from './config-space.ts';
import type { Endpoint } from './endpoint.ts';
import type { SriovControl } from './sriov.ts';

/** Everything that software has set in an endpoint. */
export interface EndpointState {
  readonly bus: number;
  readonly functions: readonly Int32Array[];
  /** First VF Offset and VF Stride of each PF. */
  readonly numbers: readonly (readonly [number, number])[];
  /** Function number of the PF, index of the VF, its configuration space. */
  readonly vfs: readonly (readonly [number, number, Int32Array])[];
}

/** All that software has set in an endpoint, to be given to {@link restoreEndpoint} later. */
export function saveEndpoint(endpoint: Endpoint): EndpointState {
  const { bus, functions } = endpoint;
  const physical = functions.filter(({ sriov }) => sriov !== null);
  return {
    bus,
    functions: functions.map((fn) => saveConfig(fn.config)),
    numbers: physical.map(({ sriov }) => [sriov!.firstVfOffset, sriov!.vfStride]),
    vfs: physical.flatMap(({ context, sriov }) =>
      sriov!
        .made()
        .map(({ vfIndex, config }) => [context.number, vfIndex, saveConfig(config)] as const)
        .filter(([, , saved]) => saved.length > 0),
    ),
  };
}

/** Takes back what {@link saveEndpoint} gave; the functions must be the same. Device models restore themselves. */
export function restoreEndpoint(endpoint: Endpoint, state: EndpointState): void {
  const { functions } = endpoint;
  functions.forEach((fn, i) => {
    fn.conventionalReset('cold');
    restoreConfig(fn.config, state.functions[i]);
  });
  endpoint.capture(state.bus);
  for (const fn of functions) fn.refresh();
  const physical = functions.filter(({ sriov }) => sriov !== null);
  physical.forEach((pf, i) => {
    const [firstVfOffset, vfStride] = state.numbers[i];
    const control = pf.sriov as SriovControl;
    control.setNumbers(pf.findExtendedCapability(ECAP_SRIOV), { firstVfOffset, vfStride });
    control.renumber();
  });
  for (const [number, index, saved] of state.vfs) {
    const vf = functions.find(({ context }) => context.number === number)!.sriov!.vf(index);
    restoreConfig(vf.config, saved);
    vf.refresh();
  }
}

/**
 * What of a configuration space differs from the reset values: pairs of dword number and value, to be given to
 * {@link restoreConfig}.
 */
export function saveConfig(config: ConfigSpace): Int32Array {
  const { reset, pendingAt } = config.layout;
  const pairs: number[] = [];
  for (let dword = 0; dword < 1024; dword++) {
    let value = config.read32(4 * dword) | 0;
    if (dword === pendingAt) value &= ~TRANSACTIONS_PENDING;
    if (value !== reset[dword]) pairs.push(dword, value);
  }
  return Int32Array.from(pairs);
}

/** Takes back what {@link saveConfig} gave. Hooks are not called. */
export function restoreConfig(config: ConfigSpace, saved: Int32Array): void {
  config.reset('cold');
  for (let i = 0; i < saved.length; i += 2) config.poke32(saved[i] * 4, saved[i + 1]);
}
