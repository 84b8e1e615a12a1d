{{/*
What the operator may do in the namespaces that it works in: the calls that its sources make, and
no others. Server-side apply needs `create` beside `patch` where it may be the first.
*/}}
{{- define "vane-operator.rules" -}}
# The specs are people's. The operator watches all of them, and reads a Collection's cluster.
- apiGroups: [vanedb.io]
  resources: [vectorclusters]
  verbs: [get, list, watch]
# A Collection with deletionPolicy Delete gets a finalizer: a change of its metadata.
- apiGroups: [vanedb.io]
  resources: [collections]
  verbs: [list, watch, patch]
# One for each shard: made, compared with what there is, taken away with its shard.
- apiGroups: [vanedb.io]
  resources: [shardplacements]
  verbs: [list, watch, create, patch, delete]
# What the operator has to say about each.
- apiGroups: [vanedb.io]
  resources: [vectorclusters/status, collections/status, shardplacements/status]
  verbs: [patch]
# The pods of a database. Watched by the operator's label, so that their end is seen.
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch, create, patch]
# Scaling out changes the number of pods and nothing else.
- apiGroups: [apps]
  resources: [statefulsets/scale]
  verbs: [patch]
# The names of the pods, and the address for clients.
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch]
# Settings of the nodes. Read by name before they are written, since what others made under that
# name is left alone.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create, patch]
# The account that pods run as, which has no rights. Watched by the operator's label.
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [get, list, watch, create, patch]
# The settings of a recipe that nothing is made from any more go with it.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [delete]
# What pods are made from, whole: the way back from a roll-out that fails.
- apiGroups: [apps]
  resources: [controllerrevisions]
  verbs: [get, list, watch, create, delete]
# Keeps a drain of machines from taking two nodes at once.
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch]
# The secret of a database: made once, read by its name. Never listed, watched or changed.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create]
# Addresses and readiness of the nodes; only pods with the operator's label are asked for.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
# A roll-out replaces pods: one that serves through an eviction, which the disruption budget may
# refuse, and one that does not run at once.
- apiGroups: [""]
  resources: [pods/eviction]
  verbs: [create]
- apiGroups: [""]
  resources: [pods]
  verbs: [delete]
# Volumes that outlived their cluster are counted, so that a new one starts with all of them; those
# of nodes that left the database get a label that says so.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [get, list, watch, patch]
{{- if .Values.rbac.deleteClaims }}
# Of a node whose machine is gone with its volume: where spec.storage.recovery is Automatic.
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [delete]
{{- end }}
# What changed, for `kubectl describe`. An event that repeats is patched.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end -}}
