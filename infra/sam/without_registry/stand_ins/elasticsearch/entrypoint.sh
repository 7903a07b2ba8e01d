# As in the official image, a variable with a dot in its name is a setting of Elasticsearch.
settings=()
while IFS= read -r -d '' variable; do
  if [[ $variable =~ ^[a-z0-9_]+(\.[a-z0-9_]+)+= ]]; then settings+=("-E$variable"); fi
done < /proc/self/environ
exec bin/elasticsearch "${settings[@]}"
