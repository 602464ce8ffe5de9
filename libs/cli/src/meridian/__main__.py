from meridian.app import main

main()
