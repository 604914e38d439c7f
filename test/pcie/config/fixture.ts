import {
  ari,
  BridgePort,
  Endpoint,
  type EnumeratedFunction,
  type EnumeratedTree,
  type EnumerateOptions,
  enumerate,
  type FunctionProfile,
  findFunctions,
  msix,
  pciExpress,
  RootBus,
  type SriovOptions,
  sriov,
} from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/intel-82599-config.ts';

/** Offset of the SR-IOV capability of the 82599. */
export const SRIOV = 0x160;
/** Offset of the PCI Express capability of the 82599. */
export const EXPRESS = 0xa0;

export const WINDOWS: EnumerateOptions = {
  memory32: { base: 0xe000_0000, bytes: 0x1000_0000 },
  memory64: { base: 0x40_0000_0000, bytes: 2 ** 36 },
  io: { base: 0x1000, bytes: 0xf000 },
};

export interface Machine {
  readonly root: RootBus;
  readonly port: BridgePort;
  readonly endpoint: Endpoint;
  readonly tree: EnumeratedTree;
  readonly nics: EnumeratedFunction[];
}

/** A root port with one device below, enumerated. */
export function machine(
  functions: readonly FunctionProfile[] = intel82599Config(),
  options: Partial<EnumerateOptions> & { readonly ariForwarding?: boolean; readonly rootBus?: number } = {},
): Machine {
  const { ariForwarding, rootBus = 0, ...rest } = options;
  const root = new RootBus(rootBus);
  const port = new BridgePort({ routingId: 0x0008, ariForwarding });
  const endpoint = new Endpoint({ functions });
  port.downstream = endpoint;
  root.attach(port);
  const tree = enumerate(root, { ...WINDOWS, ...rest, bus: rootBus });
  const { vendorId, deviceId } = functions[0].identity;
  return { root, port, endpoint, tree, nics: findFunctions(tree, vendorId, deviceId) };
}

/** A device of no particular maker, with as many VFs as asked for. */
export function genericProfile(
  options: Partial<SriovOptions> & { readonly totalVfs: number },
): FunctionProfile {
  const express = pciExpress({ deviceCapabilities: 0x10008001, linkCapabilities: 0x103 });
  return {
    title: 'Ethernet controller: generic',
    identity: {
      vendorId: 0x1234,
      deviceId: 0x0001,
      revision: 0,
      classCode: 0x020000,
      subsystemVendorId: 0x1234,
      subsystemId: 1,
    },
    bars: [{ index: 0, kind: 'memory64', bytes: 0x10000, prefetchable: true }],
    capabilities: [
      express,
      ari(),
      sriov({
        vfDeviceId: 0x0002,
        vfBars: [{ index: 0, kind: 'memory64', bytes: 0x4000, prefetchable: true }],
        routing: {
          ari: { firstVfOffset: 256, vfStride: 1 },
          other: { firstVfOffset: 256, vfStride: 1 },
        },
        vf: {
          title: 'Ethernet controller: generic VF',
          capabilities: [
            msix({ vectors: 3, tableBar: 0, tableOffset: 0x2000, pbaBar: 0, pbaOffset: 0x3000 }),
            express,
            ari(),
          ],
        },
        ...options,
      }),
    ],
  };
}
