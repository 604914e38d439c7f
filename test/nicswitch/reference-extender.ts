import type { Decision, ReferenceConfig, ReferenceFrame } from './reference-switch.ts';
import { isAllowed, macAt, maySendIn } from './reference-switch.ts';
import { type Dressed, dress, type Layer, undress } from './reference-tags.ts';

/** A port extender, slowly: up with the tag of the port, down by the tag alone. */
export function decideExtender(config: ReferenceConfig, frame: ReferenceFrame, ingress: number): Decision {
  const { bytes } = frame;
  const { vports } = config;
  const fromWire = ingress === vports.length;
  const isETag = config.extender === 'etag';
  const [high, low] = isETag ? [0x89, 0x3f] : [0x89, 0x26];
  const tagged = bytes[12] === high && bytes[13] === low;
  if (!fromWire) {
    const sender = vports[ingress];
    if (!sender.tx) return drop('txDisabled');
    if (sender.channel === null) return drop('noChannel');
    if (tagged) return drop('tagSpoof');
    const dressed = dress(config, frame, ingress);
    if (typeof dressed === 'string') return drop(dressed);
    if (bytes.length - dressed.taken > config.maxFrameBytes) return drop('giant');
    const source = macAt(bytes, 6);
    if (sender.checkMac && (bytes[6] % 2 === 1 || !sender.macs.has(source))) return drop('macSpoof');
    const { vlan } = dressed;
    if (!isAllowed(sender, vlan)) return drop('vlanNotAllowed');
    if (sender.checkVlan && !maySendIn(config, sender, vlan)) return drop('vlanSpoof');
    const tag = isETag
      ? upwardsETag(dressed, sender.channel)
      : [0x89, 0x26, 0, 0, sender.channel >> 8, sender.channel % 256];
    return { receivers: [{ port: vports.length, bytes: undress(frame, dressed, [], tag) }] };
  }

  const tagBytes = isETag ? 8 : 6;
  if (tagged && bytes.length < 14 + tagBytes) return drop('truncatedTag');
  const behind = tagged ? bytes.slice(12 + tagBytes) : bytes.slice(12);
  const dressed = dress(config, frame, ingress, behind);
  if (typeof dressed === 'string') return drop(dressed);
  const size = 12 + behind.length - dressed.taken;
  if (size > config.maxFrameBytes) return drop('giant');
  const all = vports.map((_, v) => v);
  let named: number[];
  let source: number | null = null;
  if (!tagged) {
    if (config.defaultVPort === null) return drop('noVirtualTag');
    named = [config.defaultVPort];
  } else if (isETag) {
    const group = (bytes[16] >> 4) % 4;
    const id = bytes[19] * 16384 + group * 4096 + (bytes[16] % 16) * 256 + bytes[17];
    named = all.filter((v) => (group === 0 ? vports[v].channel === id : vports[v].groups.has(id)));
    source = bytes[18] * 16384 + (bytes[14] % 16) * 256 + bytes[15];
  } else {
    const vif = (bytes[14] % 64) * 256 + bytes[15];
    const list = (bytes[14] >> 6) % 2 === 1;
    const down = bytes[14] >> 7 === 1;
    named = all.filter((v) => down && (list ? vports[v].groups.has(vif) : vports[v].channel === vif));
    if (bytes[16] >> 7 === 1) source = (bytes[16] % 16) * 256 + bytes[17];
  }
  if (named.length === 0) return drop('unknownChannel');
  const others = named.filter((v) => source === null || vports[v].channel !== source);
  if (others.length === 0) return drop('sourcePruned');
  const allowed = others.filter((v) => isAllowed(vports[v], dressed.vlan));
  if (allowed.length === 0) return drop('vlanNotAllowed');
  const active = allowed.filter((v) => vports[v].active);
  if (active.length === 0) return drop('vportInactive');
  const enabled = active.filter((v) => vports[v].rx);
  if (enabled.length === 0) return drop('vportDisabled');
  const left = enabled.filter((v) => size <= vports[v].maxFrameBytes);
  if (left.length === 0) return drop('giant');
  return { receivers: left.map((v) => ({ port: v, bytes: undress(frame, dressed, stripped(config, v)) })) };
}

/** Which layers a VPort does without. */
export function stripped(config: ReferenceConfig, v: number): Layer['role'][] {
  const { tagStrip, portVlan, serviceVlan } = config.vports[v];
  const roles: Layer['role'][] = tagStrip || typeof portVlan === 'number' ? ['inner'] : [];
  return serviceVlan === null ? roles : ['outer', ...roles];
}

function upwardsETag({ priority, dropEligible }: Dressed, channel: number): number[] {
  return [
    0x89,
    0x3f,
    priority * 32 + (dropEligible ? 16 : 0),
    0,
    (channel >> 8) % 16,
    channel % 256,
    0,
    channel >> 14,
  ];
}

function drop(reason: Decision['reason']): Decision {
  return { receivers: [], reason };
}
