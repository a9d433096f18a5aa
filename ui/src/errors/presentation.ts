import { type Code } from '@/ipc/bindings.gen'

/** Where the next step after a failure can be taken. */
export type Remedy = 'retry' | 'unlock' | 'credentials' | 'engine' | 'servers' | 'none'

/** How one failure looks: its colour, its sign, and the way on. The words are `errors.<code>` in the locale files. */
export interface Presentation {
  severity: 'warning' | 'error' | 'info'
  icon: string
  remedy: Remedy
}

/** How each failure looks to a person. A code missing here does not compile. */
export const PRESENTATION = {
  invalid_input: { severity: 'warning', icon: 'i-lucide-pencil-line', remedy: 'none' },
  not_found: { severity: 'warning', icon: 'i-lucide-search-x', remedy: 'none' },
  already_exists: { severity: 'warning', icon: 'i-lucide-copy', remedy: 'none' },
  in_use: { severity: 'warning', icon: 'i-lucide-link', remedy: 'none' },
  forbidden: { severity: 'warning', icon: 'i-lucide-shield-off', remedy: 'none' },
  busy: { severity: 'info', icon: 'i-lucide-hourglass', remedy: 'retry' },
  wrong_state: { severity: 'warning', icon: 'i-lucide-circle-slash', remedy: 'none' },
  vault_absent: { severity: 'warning', icon: 'i-lucide-vault', remedy: 'unlock' },
  vault_locked: { severity: 'warning', icon: 'i-lucide-lock', remedy: 'unlock' },
  wrong_passphrase: { severity: 'error', icon: 'i-lucide-key-round', remedy: 'none' },
  keychain_unavailable: { severity: 'error', icon: 'i-lucide-key-round', remedy: 'retry' },
  seal_broken: { severity: 'error', icon: 'i-lucide-shield-alert', remedy: 'none' },
  host_unreachable: { severity: 'error', icon: 'i-lucide-unplug', remedy: 'retry' },
  host_timeout: { severity: 'error', icon: 'i-lucide-timer-off', remedy: 'retry' },
  host_key_changed: { severity: 'error', icon: 'i-lucide-fingerprint', remedy: 'servers' },
  host_authentication: { severity: 'error', icon: 'i-lucide-user-x', remedy: 'credentials' },
  ssh_key_unusable: { severity: 'error', icon: 'i-lucide-file-key', remedy: 'credentials' },
  privileges_missing: { severity: 'error', icon: 'i-lucide-shield-x', remedy: 'retry' },
  resources_too_small: { severity: 'error', icon: 'i-lucide-gauge', remedy: 'none' },
  docker_missing: { severity: 'error', icon: 'i-lucide-container', remedy: 'retry' },
  remote_command: { severity: 'error', icon: 'i-lucide-terminal', remedy: 'retry' },
  credential_refused: { severity: 'error', icon: 'i-lucide-key-round', remedy: 'credentials' },
  provider_unreachable: { severity: 'error', icon: 'i-lucide-cloud-off', remedy: 'retry' },
  terraform_missing: { severity: 'error', icon: 'i-lucide-package-x', remedy: 'engine' },
  terraform_too_old: { severity: 'error', icon: 'i-lucide-package-x', remedy: 'engine' },
  terraform_failed: { severity: 'error', icon: 'i-lucide-blocks', remedy: 'retry' },
  plan_stale: { severity: 'warning', icon: 'i-lucide-history', remedy: 'none' },
  image_unavailable: { severity: 'error', icon: 'i-lucide-image-off', remedy: 'retry' },
  container_failed: { severity: 'error', icon: 'i-lucide-container', remedy: 'none' },
  unhealthy: { severity: 'error', icon: 'i-lucide-heart-crack', remedy: 'none' },
  proxy_failed: { severity: 'error', icon: 'i-lucide-route-off', remedy: 'retry' },
  cancelled: { severity: 'info', icon: 'i-lucide-ban', remedy: 'none' },
  database_too_new: { severity: 'error', icon: 'i-lucide-database', remedy: 'none' },
  storage: { severity: 'error', icon: 'i-lucide-hard-drive', remedy: 'retry' },
  internal: { severity: 'error', icon: 'i-lucide-bug', remedy: 'retry' },
} as const satisfies Record<Code, Presentation>
