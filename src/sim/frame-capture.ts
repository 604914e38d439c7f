import { NIC_DROP_REASONS } from '../nic/index.ts';
import { FrameCapture } from '../trace/index.ts';
import type { PcapngInterface } from '../wire/index.ts';
import type { RunView } from './run-view.ts';
import type { ResolvedScenario } from './scenario-resolved.ts';
import { VERSION } from './version.ts';

/**
 * A capture of a simulation's card, to be its probe's sink. Interfaces have the names of the report's
 * endpoints.
 */
export function makeFrameCapture(simulation: RunView): FrameCapture {
  const { scenario, machine } = simulation;
  const { data, profile } = machine.nic;
  const { uplink } = data.switch;
  return new FrameCapture({
    frames: data.frames,
    interfaces: interfacesOf(scenario),
    // Asked anew for each frame: the PF's VPort is behind those of the VFs, however many there are.
    nameOf: (port) => {
      if (port === uplink) return 'port';
      if (port === simulation.pfPort) return 'host';
      return scenario.vfs[port]?.name ?? `vf${port}`;
    },
    queueOf: (port) => (port === uplink ? -1 : port * profile.queuesPerPool),
    cardReasons: NIC_DROP_REASONS,
    section: { hardware: `${scenario.nic.profile}, simulated`, application: `sriovsim ${VERSION}` },
  });
}

function interfacesOf({ nic, hostInterface, guests, vfs }: ResolvedScenario): PcapngInterface[] {
  return [
    { name: 'port', description: 'the physical port', bitsPerSecond: Math.round(nic.linkGbps * 1e9) },
    { name: 'host', description: `PF, ${addressOf(hostInterface)}` },
    ...vfs.map((vf) => {
      const owner = vf.guest === null ? '' : ` of guest ${guests[vf.guest].name}`;
      return { name: vf.name, description: `VF ${vf.vf}${owner}, ${addressOf(vf)}` };
    }),
  ];
}

function addressOf({ mac, vlan }: { readonly mac: string; readonly vlan: number | null }): string {
  return vlan === null ? mac : `${mac}, VLAN ${vlan}`;
}
