import { useI18n } from 'vue-i18n'

/** How the journal's step names read: `pull:web-1` is "Pull the image · web-1". */
export function useStepName() {
  const { t, te } = useI18n()
  return { stepName }

  function stepName(name: string) {
    const [, head = name, rest = ''] = /^([a-z_]+)(?:[:/@ ]+(.*))?$/.exec(name) ?? []
    const known = `steps.${head}`
    const label = te(known) || te(known, 'en') ? t(known) : head.replaceAll('_', ' ')
    return rest ? `${label} · ${rest}` : label
  }
}
