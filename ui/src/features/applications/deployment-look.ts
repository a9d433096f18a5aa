import { type DeploymentStatus } from '@/ipc/bindings.gen'

/** Sign and colour of a deployment's status. */
export const DEPLOYMENT = {
  running: { tone: 'primary', icon: 'i-lucide-loader-circle', spin: true },
  succeeded: { tone: 'success', icon: 'i-lucide-circle-check', spin: false },
  rolled_back: { tone: 'warning', icon: 'i-lucide-undo-2', spin: false },
  failed: { tone: 'error', icon: 'i-lucide-circle-x', spin: false },
} as const satisfies Record<DeploymentStatus, { tone: string, icon: string, spin: boolean }>

/** The version part of an image reference: its tag, or the start of its digest. */
export function versionOf(image: string) {
  const digest = image.split('@sha256:')[1]
  if (digest) return digest.slice(0, 12)
  const last = image.slice(image.lastIndexOf('/') + 1)
  return last.includes(':') ? last.slice(last.indexOf(':') + 1) : 'latest'
}
